# program: nmap -sT
# role: client
# tried: the 1,024 low ports of the second host: exactly its services are open
# version: nmap --version
nmap -n -sT -Pn -p 1-1024 -oG out 192.0.2.1 >/dev/null
got=$(grep -oE '[0-9]+/open/tcp' out | cut -d/ -f1 | sort -n | tr '\n' ' ')
[ "$got" = "7 9 19 53 80 443 " ] || { echo "open: $got"; false; }
