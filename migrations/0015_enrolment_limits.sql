-- Failed enrolments are counted as failed logins are: by token and network, and by network.
alter table login_failures drop constraint login_failures_kind_check,
  add constraint login_failures_kind_check check (kind in ('account', 'address', 'enrolment', 'enrolment_address'));
