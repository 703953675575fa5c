// SPDX-License-Identifier: MIT
// Bouncy Castle's opinion of hybrid certificates. Arguments: pairs of DER files, a certificate and
// its issuer. Prints a line for each pair: "classical alternative", each true or false.
// Run with Bouncy Castle on the class path: java -cp ... AltSignature.java FILE FILE ...

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import org.bouncycastle.asn1.x509.SubjectAltPublicKeyInfo;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;

public class AltSignature {
    static X509CertificateHolder read(String file) throws Exception {
        return new X509CertificateHolder(Files.readAllBytes(Path.of(file)));
    }

    static ContentVerifierProvider verifier(SubjectPublicKeyInfo key) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider("BC").build(key);
    }

    static SubjectPublicKeyInfo alternativeKey(X509CertificateHolder certificate) {
        SubjectAltPublicKeyInfo key = SubjectAltPublicKeyInfo.fromExtensions(certificate.getExtensions());
        return new SubjectPublicKeyInfo(key.getAlgorithm(), key.getSubjectAltPublicKey());
    }

    interface Check {
        boolean run() throws Exception;
    }

    // A signature that does not even decode is as wrong as one that does not verify.
    static boolean holds(Check check) {
        try {
            return check.run();
        } catch (Exception e) {
            return false;
        }
    }

    public static void main(String[] files) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (int i = 0; i + 1 < files.length; i += 2) {
            X509CertificateHolder certificate = read(files[i]);
            X509CertificateHolder issuer = read(files[i + 1]);
            boolean classical = holds(() ->
                certificate.isSignatureValid(verifier(issuer.getSubjectPublicKeyInfo())));
            boolean alternative = holds(() ->
                certificate.isAlternativeSignatureValid(verifier(alternativeKey(issuer))));
            System.out.println(classical + " " + alternative);
        }
    }
}
