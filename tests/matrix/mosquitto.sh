# program: mosquitto
# role: server, mosquitto_sub as client
# tried: 200 messages of 1 KiB from the second host to a subscriber on ours and to one there
# needs: mosquitto mosquitto_sub mosquitto_pub
# version: mosquitto -h
printf 'listener 1883\nallow_anonymous true\n%s\n' "$([ "$(id -u)" != 0 ] || echo user root)" >conf
mosquitto -c conf >log 2>&1 &
ours_up 1883
mosquitto_sub -h 127.0.0.1 -q 1 -t lab/# -C 200 >a &
a=$!
teachnet peer sh -c 'mosquitto_sub -h host.lab -q 1 -t lab/# -C 200 >b' &
b=$!
sleep 0.5
head -c 153600 /dev/urandom | base64 -w 1024 >lines
teachnet peer sh -c 'mosquitto_pub -h host.lab -q 1 -t lab/x -l <lines'
wait $a $b
same a lines
same b lines
