package io.github.rta.questdb.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The authorities that a connector trusts, of a file: a trust store with a password, or PEM without. */
final class TlsRoots {
    private TlsRoots() {}

    /**
     * @param password null for PEM
     * @throws IllegalArgumentException with a message without secrets
     */
    static SSLContext read(String file, String password) {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            KeyStore roots = password == null ? pem(in) : KeyStore.getInstance(KeyStore.getDefaultType());
            if (password != null) {
                roots.load(in, password.toCharArray());
            }
            return context(roots);
        } catch (IOException | GeneralSecurityException e) {
            throw new IllegalArgumentException(
                    "can't read tls_roots: %s is not there, or no trust store (which needs the right".formatted(file)
                            + " tls_roots_password), or no certificates in PEM (which need no password)",
                    e);
        }
    }

    private static KeyStore pem(InputStream in) throws IOException, GeneralSecurityException {
        KeyStore roots = KeyStore.getInstance(KeyStore.getDefaultType());
        roots.load(null, null);
        for (Certificate root : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
            roots.setCertificateEntry("root-" + roots.size(), root);
        }
        return roots;
    }

    private static SSLContext context(KeyStore roots) throws GeneralSecurityException {
        if (roots.size() == 0) {
            throw new GeneralSecurityException("no certificate");
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(roots);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
