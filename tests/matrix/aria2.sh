# program: aria2c
# role: client
# tried: one file over eight connections in ranges, http and https
# version: aria2c --version
aria2c -q -x 8 -s 8 -k 1M --file-allocation=none -o a http://www.lab/100M.bin
same a "$www/100M.bin"
aria2c -q -x 4 -s 4 -k 1M --check-certificate=false -o b https://www.lab/10M.bin
same b "$www/10M.bin"
