package io.github.rta.questdb;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands between the sink and a real QuestDB and does to the sink's writes what networks and servers do. */
final class FaultProxy implements AutoCloseable {
    /** What happens to the next writes. Questions about tables pass, unless {@link #refusesQuestions}. */
    enum Fault {
        NONE,
        RESET_BEFORE,
        RESET_MID_REQUEST,
        RESET_AFTER_COMMIT,
        HALF_ANSWER,
        NO_ANSWER,
        SLOW,
        STATUS_500,
        STATUS_503,
        STATUS_429,
        STATUS_401,
        STATUS_403,
        STATUS_404,
        HTML_400
    }

    private static final Map<Fault, String> ANSWERS = Map.of(
            Fault.STATUS_500,
            "500 Oops",
            Fault.STATUS_503,
            "503 Busy",
            Fault.STATUS_429,
            "429 Slow Down",
            Fault.STATUS_401,
            "401 Who",
            Fault.STATUS_403,
            "403 No",
            Fault.STATUS_404,
            "404 None",
            Fault.HTML_400,
            "400 Bad");

    final AtomicInteger writes = new AtomicInteger();
    volatile Fault fault = Fault.NONE;
    /** QuestDB seems to fail on a line with this text. */
    volatile String failsOn = "";

    volatile boolean refusesQuestions;

    private final ServerSocket server;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    FaultProxy(int target) throws IOException {
        this.target = target;
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        daemon(this::accept);
    }

    String conf() {
        return "http::addr=" + address() + ";request_timeout=1000;";
    }

    String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    private static void daemon(Runnable body) {
        Thread thread = new Thread(body, "fault-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        try {
            while (true) {
                Socket client = server.accept();
                open.add(client);
                daemon(() -> serve(client));
            }
        } catch (IOException e) {
            // Closed: the test is over.
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket questDb = new Socket(InetAddress.getLoopbackAddress(), target)) {
            while (relay(client, questDb)) {
                // Until one side has had enough.
            }
        } catch (IOException | InterruptedException e) {
            // One of the sides went away, which is what this class is about.
        } finally {
            open.remove(client);
        }
    }

    private boolean relay(Socket client, Socket questDb) throws IOException, InterruptedException {
        byte[] head = readHead(client.getInputStream());
        if (head.length == 0) {
            return false;
        }
        boolean write = new String(head, StandardCharsets.ISO_8859_1).startsWith("POST");
        Fault now = write ? fault : refusesQuestions ? Fault.STATUS_503 : Fault.NONE;
        writes.addAndGet(write ? 1 : 0);
        if (now == Fault.RESET_BEFORE) {
            return reset(client);
        }
        byte[] body = client.getInputStream().readNBytes(length(head));
        int failing = failsOn.isEmpty() ? -1 : new String(body, StandardCharsets.UTF_8).indexOf(failsOn);
        if (failing >= 0) {
            return fail(client, new String(body, 0, failing, StandardCharsets.UTF_8));
        }
        if (ANSWERS.containsKey(now)) {
            return refuse(client, ANSWERS.get(now));
        }
        if (now == Fault.RESET_MID_REQUEST) {
            send(questDb, head, body, body.length / 2);
            return reset(client);
        }
        send(questDb, head, body, body.length);
        return answer(client, questDb, now);
    }

    private boolean answer(Socket client, Socket questDb, Fault now) throws IOException, InterruptedException {
        byte[] head = readHead(questDb.getInputStream());
        byte[] body = readBody(questDb.getInputStream(), head);
        switch (now) {
            case RESET_AFTER_COMMIT:
                return reset(client);
            case NO_ANSWER:
                return client.getInputStream().read() >= 0; // Until the sink gives up.
            case HALF_ANSWER:
                client.getOutputStream().write(head, 0, head.length / 2);
                return client.getInputStream().read() >= 0;
            case SLOW:
                Thread.sleep(300);
                break;
            default:
        }
        send(client, head, body, body.length);
        return true;
    }

    private static boolean fail(Socket client, String before) throws IOException {
        long line = before.lines().count();
        return answer(
                client,
                "500 Oops",
                "{\"message\":\"failed to parse line protocol:errors encountered on line(s):write error: t,"
                        + " error: java.lang.Exception\",\"line\":" + line + "}");
    }

    private static boolean refuse(Socket client, String status) throws IOException {
        return answer(client, status, "<html>line: 1, \"line\":1</html>");
    }

    private static boolean answer(Socket client, String status, String page) throws IOException {
        client.getOutputStream()
                .write(("HTTP/1.1 " + status + "\r\nContent-Length: " + page.length() + "\r\n\r\n" + page)
                        .getBytes(StandardCharsets.US_ASCII));
        return true;
    }

    private static boolean reset(Socket client) throws SocketException {
        client.setSoLinger(true, 0); // Makes close() send RST.
        return false;
    }

    private static void send(Socket to, byte[] head, byte[] body, int count) throws IOException {
        OutputStream out = new BufferedOutputStream(to.getOutputStream());
        out.write(head);
        out.write(body, 0, count);
        out.flush();
    }

    private static byte[] readHead(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        for (int last = 0, b = in.read(); b >= 0; b = in.read()) {
            head.write(b);
            last = last << 8 | b;
            if (last == 0x0D0A0D0A) {
                return head.toByteArray();
            }
        }
        return new byte[0];
    }

    private static byte[] readBody(InputStream in, byte[] head) throws IOException {
        if (!new String(head, StandardCharsets.US_ASCII)
                .toLowerCase(java.util.Locale.ROOT)
                .contains("chunked")) {
            return in.readNBytes(length(head));
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int b = in.read();
                b >= 0 && !body.toString(StandardCharsets.ISO_8859_1).endsWith("0\r\n\r");
                b = in.read()) {
            body.write(b);
        }
        body.write('\n');
        return body.toByteArray();
    }

    private static int length(byte[] head) {
        return new String(head, StandardCharsets.US_ASCII)
                .lines()
                .filter(line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
                .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
                .findFirst()
                .orElse(0);
    }

    /** The same as {@link #close}, which the compiler lets nobody call who has it in a try. */
    void leave() throws IOException {
        close();
    }

    /** Closes all connections and refuses new ones. */
    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : open) {
            socket.close();
        }
    }
}
