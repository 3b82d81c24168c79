# program: ping
# role: client
# tried: IPv4 and IPv6, 56, 1,400 and 6,000 bytes to the second host; from there to us
# version: ping -V
ping -6 -c 3 -i 0.2 peer.lab | grep -q "3 received, 0% packet loss"
ping -6 -c 2 -i 0.2 -s 6000 peer.lab | grep -q "2 received"
ping -4 -c 3 -i 0.2 peer.lab | grep -q '3 received, 0% packet loss'
ping -4 -c 2 -i 0.2 -s 1400 192.0.2.1 | grep -q '2 received'
ping -4 -c 2 -i 0.2 -s 6000 192.0.2.1 | grep -q '2 received'
teachnet peer ping -4 -c 3 -i 0.2 host.lab | grep -q '3 received'
