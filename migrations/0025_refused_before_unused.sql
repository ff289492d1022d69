-- What a proxy refuses is held back before anybody can read of the refusal, and deploying it again releases it: nothing has to be told apart
-- by times any more. Replicas of the release before this one still write the column, so it goes with a later release.
comment on column configuration_deployment_targets.refused_before is 'unused since migration 0025';
