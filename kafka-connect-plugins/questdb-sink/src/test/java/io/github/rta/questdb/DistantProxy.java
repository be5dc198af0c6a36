package io.github.rta.questdb;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A way to a server that takes its time in each direction, and on which connections may be reset. */
final class DistantProxy implements AutoCloseable {
    private static final int QUERY = 10_000; // Bytes: a request of rows has more.
    private static final Pattern LENGTH =
            Pattern.compile("^content-length: *(\\d+)", Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);

    /** Bytes, and when they arrive; none at the end of the stream. */
    private record Piece(long due, byte[] bytes) {}

    /** A client's connection, and how much of a request it has sent since the last answer. */
    private static final class Connection {
        private final Socket client;
        private boolean reset;
        private long sent;
        private long whole;

        Connection(Socket client) {
            this.client = client;
        }

        /** Returns whether these bytes may go on. */
        synchronized boolean sent(byte[] bytes) {
            if (sent == 0) {
                whole = length(new String(bytes, StandardCharsets.ISO_8859_1));
            }
            sent += bytes.length;
            return !reset;
        }

        private static long length(String start) {
            Matcher length = LENGTH.matcher(start);
            long body = length.find() ? Long.parseLong(length.group(1)) : 0;
            return start.indexOf("\r\n\r\n") + 4 + body;
        }

        synchronized boolean answered() {
            sent = 0;
            return !reset;
        }

        synchronized boolean isSendingRows() {
            return sent > QUERY && !reset;
        }

        /** Resets it, unless the server has a whole request, and may store it later than one that is sent after it. */
        synchronized boolean reset() throws IOException {
            if (reset || sent > 0 && sent >= whole) {
                return false;
            }
            reset = true;
            try (client) {
                client.setSoLinger(true, 0); // Makes close() send RST.
            } catch (SocketException e) {
                // The sink or QuestDB was faster.
            }
            return true;
        }
    }

    private interface Watcher {
        /** Returns whether these bytes may go on. */
        boolean pass(byte[] bytes);
    }

    private final ServerSocket door;
    private final int target;
    private final long delay;
    private final List<Connection> connections = new CopyOnWriteArrayList<>();
    private final AtomicInteger mostAtOnce = new AtomicInteger();

    DistantProxy(int target, int delayMs) throws IOException {
        this.target = target;
        this.delay = TimeUnit.MILLISECONDS.toNanos(delayMs);
        door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon(this::accept);
    }

    String conf() {
        return "http::addr=127.0.0.1:" + door.getLocalPort() + ";request_timeout=3000;";
    }

    /** How many requests of rows were under way at once, at most. */
    int mostAtOnce() {
        return mostAtOnce.get();
    }

    /** Resets one of the connections, if there is one whose request QuestDB does not have as a whole. */
    void resetOne(Random draw) throws IOException {
        int first = draw.nextInt(connections.size() + 1);
        for (int i = 0; i < connections.size(); i++) {
            if (connections.get((first + i) % connections.size()).reset()) {
                return;
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
                Connection connection = new Connection(client);
                connections.add(connection);
                carry(client, server, bytes -> sent(connection, bytes));
                carry(server, client, bytes -> connection.answered());
            }
        } catch (IOException e) {
            // Closed: the test is over.
        }
    }

    private boolean sent(Connection connection, byte[] bytes) {
        boolean goesOn = connection.sent(bytes);
        int atOnce =
                (int) connections.stream().filter(Connection::isSendingRows).count();
        mostAtOnce.accumulateAndGet(atOnce, Math::max);
        return goesOn;
    }

    private void carry(Socket from, Socket to, Watcher watcher) {
        BlockingQueue<Piece> underWay = new LinkedBlockingQueue<>();
        daemon(() -> read(from, underWay, watcher));
        daemon(() -> write(underWay, to));
    }

    private void read(Socket from, BlockingQueue<Piece> underWay, Watcher watcher) {
        byte[] buffer = new byte[64 << 10];
        try {
            InputStream in = from.getInputStream();
            for (int count = in.read(buffer); count > 0; count = in.read(buffer)) {
                byte[] bytes = Arrays.copyOf(buffer, count);
                if (!watcher.pass(bytes)) {
                    break;
                }
                underWay.add(new Piece(System.nanoTime() + delay, bytes));
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
        for (Connection connection : connections) {
            connection.client.close();
        }
    }
}
