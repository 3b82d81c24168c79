# program: telnet
# role: client
# tried: a conversation in HTTP with the second host's web server
# version: dpkg-query -W inetutils-telnet
# It throws away what it has not sent when its input ends.
(sleep 0.3; printf 'GET /1K.bin HTTP/1.0\nHost: www.lab\n\n'; sleep 1.5) | telnet www.lab 80 >got 2>&1 || :
grep -q 'Connected to' got
grep -q 'HTTP/1.1 200 OK' got
grep -q 'Content-Length: 1024' got
