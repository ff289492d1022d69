-- A proxy may prove itself with a client certificate, too. It is found by the SHA-256 of its DER in credential_index (kind
-- 'proxy_certificate'); its key is nowhere here. Replicas of the release before this one write tokens only, and know no certificate.
alter table proxy_credentials
  alter column token_hash drop not null,
  add column certificate_fingerprint text,
  add column certificate_subject text,
  add column certificate_issuer text,
  add column certificate_serial text,
  add column certificate_not_before timestamptz,
  add column certificate_not_after timestamptz,
  drop constraint proxy_credentials_kind_check,
  add constraint proxy_credentials_kind_check check (
    case kind
      when 'token' then token_hash is not null and certificate_fingerprint is null
      when 'certificate' then token_hash is null
        and num_nulls(certificate_fingerprint, certificate_subject, certificate_issuer, certificate_serial,
                      certificate_not_before, certificate_not_after) = 0
      else false
    end);
