package io.github.rta.questdb;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A way to a server that takes its time in each direction, and on which connections may be reset at any moment. */
final class DistantProxy implements AutoCloseable {
    /** Bytes, and when they arrive; none at the end of the stream. */
    private record Piece(long due, byte[] bytes) {}

    private final ServerSocket door;
    private final int target;
    private final long delay;
    private final Set<Socket> clients = ConcurrentHashMap.newKeySet();

    DistantProxy(int target, int delayMs) throws IOException {
        this.target = target;
        this.delay = TimeUnit.MILLISECONDS.toNanos(delayMs);
        door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon(this::accept);
    }

    String conf() {
        return "http::addr=127.0.0.1:" + door.getLocalPort() + ";request_timeout=3000;";
    }

    /** Resets one of the connections, whatever it is about. */
    void resetOne(Random draw) throws IOException {
        Socket[] open = clients.toArray(Socket[]::new);
        if (open.length > 0) {
            Socket victim = open[draw.nextInt(open.length)];
            clients.remove(victim);
            try (victim) {
                victim.setSoLinger(true, 0); // Makes close() send RST.
            } catch (SocketException e) {
                // The sink or QuestDB was faster.
            }
        }
    }

    private static void daemon(Runnable body) {
        Thread thread = new Thread(body, "distant-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = door.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                clients.add(client);
                carry(client, server);
                carry(server, client);
            }
        } catch (IOException e) {
            // Closed: the test is over.
        }
    }

    private void carry(Socket from, Socket to) {
        BlockingQueue<Piece> underWay = new LinkedBlockingQueue<>();
        daemon(() -> read(from, underWay));
        daemon(() -> write(underWay, to));
    }

    private void read(Socket from, BlockingQueue<Piece> underWay) {
        byte[] buffer = new byte[64 << 10];
        try {
            InputStream in = from.getInputStream();
            for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                underWay.add(new Piece(System.nanoTime() + delay, Arrays.copyOf(buffer, count)));
            }
        } catch (IOException e) {
            // Reset. What was read before still arrives.
        }
        underWay.add(new Piece(System.nanoTime() + delay, new byte[0]));
    }

    private static void write(BlockingQueue<Piece> underWay, Socket to) {
        try (to) {
            OutputStream out = to.getOutputStream();
            for (Piece piece = underWay.take(); piece.bytes.length > 0; piece = underWay.take()) {
                TimeUnit.NANOSECONDS.sleep(piece.due - System.nanoTime());
                out.write(piece.bytes);
            }
        } catch (IOException | InterruptedException e) {
            // The other side is gone.
        }
    }

    @Override
    public void close() throws IOException {
        door.close();
        for (Socket client : clients) {
            client.close();
        }
    }
}
