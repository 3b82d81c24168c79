# program: dnsmasq
# role: server
# tried: names of its own and forwarded ones, 300 questions over UDP and TCP
# needs: dnsmasq dig
# version: dnsmasq --version
# By itself it asks the kernel over netlink which addresses there are, and the kernel has none.
dnsmasq -k --bind-interfaces --listen-address=192.0.2.2 -C /dev/null --no-resolv --no-hosts --port=5353 --server=192.0.2.1 --pid-file= \
	$([ "$(id -u)" != 0 ] || echo --user=root) --address=/ours.test/198.51.100.7 \
	--txt-record=long.test,"$(head -c 180 "$www/1M.bin" | base64 -w 0)" >log 2>&1 &
within 10 teachnet peer dig -4 +time=1 +tries=1 -p 5353 @host.lab ours.test
[ "$(teachnet peer dig -4 +short -p 5353 @host.lab ours.test)" = 198.51.100.7 ]
[ "$(teachnet peer dig -4 +short +tcp -p 5353 @host.lab ours.test)" = 198.51.100.7 ]
[ "$(teachnet peer dig -4 +short -p 5353 @host.lab www.lab)" = 192.0.2.1 ]
[ "$(teachnet peer dig -4 +short -p 5353 @host.lab long.test txt | tr -d '" ')" = "$(head -c 180 "$www/1M.bin" | base64 -w 0)" ]
for i in $(seq 150); do printf '%s\n' "+short n$i.ours.test"; done >questions
[ "$(teachnet peer dig -4 -p 5353 @host.lab -f questions | grep -c '^198.51.100.7$')" = 150 ]
[ "$(teachnet peer dig -4 +tcp -p 5353 @host.lab -f questions | grep -c '^198.51.100.7$')" = 150 ]
