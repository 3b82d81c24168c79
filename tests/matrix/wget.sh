# program: wget
# role: client
# tried: http, https, continued after a part, HTTP keep-alive over two files
# version: wget --version
wget -q -O a http://www.lab/10M.bin
same a "$www/10M.bin"
wget -q -O b https://www.lab/1M.bin
same b "$www/1M.bin"
head -c 4000000 "$www/10M.bin" >10M.bin
wget -q -c http://www.lab/10M.bin http://www.lab/1K.bin
same 10M.bin "$www/10M.bin"
same 1K.bin "$www/1K.bin"
