package chartcheck

import (
	"testing"
	"time"
)

// alerts are series at which each alert fires, and series like them at which not.
var alerts = map[string]struct {
	fire, quiet string
	at          time.Duration
}{
	"AuthorizationServerDown": {
		fire:  `oauth_operator_server_grants_total{step="created"} 1x5`,
		quiet: `oauth_operator_server_grants_total{step="created"} 1x60`,
		at:    30 * time.Minute,
	},
	"AuthorizationServerFails": {
		fire: `oauth_operator_server_requests_total{endpoint="token",code="200"} 0+600x60
oauth_operator_server_requests_total{endpoint="token",code="500"} 0+60x60`,
		quiet: `oauth_operator_server_requests_total{endpoint="token",code="200"} 0+600x60
oauth_operator_server_requests_total{endpoint="token",code="500"} 0+1x60
oauth_operator_server_requests_total{endpoint="authorize",code="400"} 0+600x60`,
		at: 40 * time.Minute,
	},
	"AuthorizationServerSlow": {
		fire: `oauth_operator_server_request_duration_seconds_bucket{endpoint="token",le="1"} 0+50x60
oauth_operator_server_request_duration_seconds_bucket{endpoint="token",le="5"} 0+100x60
oauth_operator_server_request_duration_seconds_bucket{endpoint="token",le="+Inf"} 0+100x60`,
		quiet: `oauth_operator_server_request_duration_seconds_bucket{endpoint="token",le="1"} 0+100x60
oauth_operator_server_request_duration_seconds_bucket{endpoint="token",le="5"} 0+100x60
oauth_operator_server_request_duration_seconds_bucket{endpoint="token",le="+Inf"} 0+100x60`,
		at: 40 * time.Minute,
	},
	"LoginsThrottled": {
		fire: `oauth_operator_server_requests_total{endpoint="login",code="303"} 0+10x60
oauth_operator_server_requests_total{endpoint="login",code="429"} 0+10x60`,
		quiet: `oauth_operator_server_requests_total{endpoint="login",code="303"} 0+10x60
oauth_operator_server_requests_total{endpoint="login",code="429"} 0+1x60`,
		at: 40 * time.Minute,
	},
	"RefreshTokensReused": {
		fire:  `oauth_operator_server_grant_revocations_total{reason="RefreshTokenReused"} 0+1x120`,
		quiet: `oauth_operator_server_grant_revocations_total{reason="RefreshTokenReused"} 7x60 8x60`,
		at:    100 * time.Minute,
	},
	"CodesReplayed": {
		fire:  `oauth_operator_server_grant_revocations_total{reason="CodeReplayed"} 0+1x120`,
		quiet: `oauth_operator_server_grant_revocations_total{reason="LoggedOut"} 0+1x120`,
		at:    100 * time.Minute,
	},
	"SigningKeyOld": {
		fire:  `oauth_operator_server_oldest_signing_key_not_before_timestamp_seconds -15600000x120`,
		quiet: `oauth_operator_server_oldest_signing_key_not_before_timestamp_seconds -7776000x120`,
		at:    2 * time.Hour,
	},
	"ServerCertificateEnds": {
		fire:  `oauth_operator_server_certificate_expiry_timestamp_seconds 600000x120`,
		quiet: `oauth_operator_server_certificate_expiry_timestamp_seconds 1000000x120`,
		at:    2 * time.Hour,
	},
	"NoControllerLeads": {
		fire: `leader_election_master_status{name="oauth-operator-controller"} 1x5 0x60
leader_election_master_status{name="another"} 1x60`,
		quiet: `leader_election_master_status{name="oauth-operator-controller",pod="a"} 0x60
leader_election_master_status{name="oauth-operator-controller",pod="b"} 1x60`,
		at: 30 * time.Minute,
	},
	"ControllerFails": {
		fire: `controller_runtime_reconcile_errors_total{controller="oauthclient"} 0+1x90`,
		quiet: `controller_runtime_reconcile_errors_total{controller="oauthclient"} 0+1x20 20x70
controller_runtime_reconcile_errors_total{controller="certificate"} 0+1x90`,
		at: 80 * time.Minute,
	},
	"ControllerQueueGrows": {
		fire:  `workqueue_depth{controller="oauthclient",priority="0"} 101x60`,
		quiet: `workqueue_depth{controller="oauthclient",priority="0"} 0x25 500x3 0x40`,
		at:    40 * time.Minute,
	},
	"DefaultAuthorizationServerNotApplied": {
		fire:  `oauth_operator_default_authorization_server_pending 1x60`,
		quiet: `oauth_operator_default_authorization_server_pending 1x3 0x60`,
		at:    20 * time.Minute,
	},
	"OAuthClientNeedsSomebody": {
		fire: `oauth_operator_clients{ready="False",reason="PolicyDenied"} 2x60`,
		quiet: `oauth_operator_clients{ready="True",reason="Ready"} 2x60
oauth_operator_clients{ready="Unknown",reason="Unobserved"} 2x60`,
		at: 40 * time.Minute,
	},
	"OldClientSecretStillInUse": {
		fire:  `oauth_operator_retiring_credentials_in_use_first_expiry_timestamp_seconds 20000x60`,
		quiet: `oauth_operator_retiring_credentials_in_use_first_expiry_timestamp_seconds 90000x60`,
		at:    30 * time.Minute,
	},
	"ClientSecretsGrowOld": {
		fire:  `oauth_operator_oldest_current_credential_created_timestamp_seconds -7800000x120`,
		quiet: `oauth_operator_oldest_current_credential_created_timestamp_seconds -700000x120`,
		at:    2 * time.Hour,
	},
}

func TestAlerts(t *testing.T) {
	all := rules(t)
	for name := range alerts {
		if _, there := all[name]; !there {
			t.Errorf("there is no alert %s", name)
		}
	}
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			example, there := alerts[name]
			if !there {
				t.Fatal("there are no series that show when it fires")
			}
			if !fires(t, r, example.fire, example.at) {
				t.Error("it does not fire where it should")
			}
			if fires(t, r, example.quiet, example.at) {
				t.Error("it fires where it should not")
			}
		})
	}
}
