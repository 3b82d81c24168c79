# program: java
# role: client and server
# tried: NIO: one selector serves 50 clients that each send and get back 100,000 bytes; both ways round
# needs: java javac
# seconds: 90
# version: java -version
cat >Echo.java <<-'END'
	import java.net.*; import java.nio.*; import java.nio.channels.*; import java.util.*;
	public class Echo {
	    static void serve(int port) throws Exception {
	        Selector sel = Selector.open(); ServerSocketChannel l = ServerSocketChannel.open();
	        l.bind(new InetSocketAddress(port), 128); l.configureBlocking(false); l.register(sel, SelectionKey.OP_ACCEPT);
	        for (;;) {
	            sel.select();
	            for (Iterator<SelectionKey> i = sel.selectedKeys().iterator(); i.hasNext();) {
	                SelectionKey k = i.next(); i.remove();
	                if (k.isAcceptable()) {
	                    SocketChannel c = l.accept(); c.configureBlocking(false);
	                    c.register(sel, SelectionKey.OP_READ, ByteBuffer.allocate(65536)); continue;
	                }
	                SocketChannel c = (SocketChannel) k.channel(); ByteBuffer b = (ByteBuffer) k.attachment();
	                if (k.isReadable()) { if (c.read(b) < 0) { c.close(); continue; } }
	                b.flip(); c.write(b); b.compact();
	                k.interestOps(b.position() > 0 ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
	            }
	        }
	    }
	    static void ask(String host, int port) throws Exception {
	        Selector sel = Selector.open(); Map<SocketChannel, ByteBuffer[]> all = new HashMap<>(); int left = 50;
	        for (int n = 0; n < 50; n++) {
	            byte[] d = new byte[100000]; new Random(n).nextBytes(d);
	            SocketChannel c = SocketChannel.open(); c.configureBlocking(false);
	            c.connect(new InetSocketAddress(host, port)); c.register(sel, SelectionKey.OP_CONNECT);
	            all.put(c, new ByteBuffer[] { ByteBuffer.wrap(d), ByteBuffer.allocate(100000) });
	        }
	        while (left > 0) {
	            if (sel.select(10000) == 0) throw new Exception("nothing happens");
	            for (Iterator<SelectionKey> i = sel.selectedKeys().iterator(); i.hasNext();) {
	                SelectionKey k = i.next(); i.remove(); SocketChannel c = (SocketChannel) k.channel(); ByteBuffer[] b = all.get(c);
	                if (k.isConnectable()) { c.finishConnect(); k.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE); continue; }
	                if (k.isWritable()) { c.write(b[0]); if (!b[0].hasRemaining()) k.interestOps(SelectionKey.OP_READ); }
	                if (k.isReadable()) {
	                    if (c.read(b[1]) < 0) throw new Exception("early end");
	                    if (!b[1].hasRemaining()) {
	                        if (!Arrays.equals(b[0].array(), b[1].array())) throw new Exception("other bytes");
	                        c.close(); left--;
	                    }
	                }
	            }
	        }
	    }
	    public static void main(String[] a) throws Exception { if (a.length == 1) serve(Integer.parseInt(a[0])); else ask(a[0], Integer.parseInt(a[1])); }
	}
END
javac Echo.java
java Echo 7000 &
ours_up 7000
teachnet peer java Echo host.lab 7000
java Echo peer.lab 7
java Echo host.lab 7000
