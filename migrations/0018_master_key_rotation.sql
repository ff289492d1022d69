-- What is sealed under a master key of before is sealed anew under the present one: `efms keys rewrap`.
select efms_system_writes('tenant_data_keys', 'update');
-- The certificate stays as it is, for bootstraps pin it.
grant update (ciphertext, master_key_id) on ca_keys to efms_system;
