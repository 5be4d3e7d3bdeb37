"""DNS, HTTPS, SMTP and TLS as a sender uses them: each call gives an attempt, however it ends."""
