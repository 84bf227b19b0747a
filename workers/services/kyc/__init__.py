"""Identity verification: sessions at Veriff or Onfido, their verdicts, documents and retention (domain.md 5)."""
