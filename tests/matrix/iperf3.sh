# program: iperf3
# role: client and server
# tried: -P 8 both directions, -u, in both roles
# version: iperf3 --version
iperf3 -c peer.lab -t 1 -P 8
iperf3 -c peer.lab -t 1 -P 8 -R
iperf3 -c peer.lab -t 1 -u -b 50M
iperf3 -s -p 5999 >server.log &
# It would take a probe for a client.
sleep 0.5
teachnet peer iperf3 -c host.lab -p 5999 -t 1 -P 8
teachnet peer iperf3 -c host.lab -p 5999 -t 1 -P 8 -R
teachnet peer iperf3 -c host.lab -p 5999 -t 1 -u -b 50M
