# Examples, so that a clone without an account can plan. Every file in environments/ sets all of them anew.
environment  = "staging"
image_digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
zone_id      = "Z0EXAMPLE0STAGING"
alert_emails = ["payments@example.com"]

api = {
  domain          = "api.staging.example.com"
  certificate_arn = "arn:aws:acm:sa-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000001"
}

operations = {
  domain          = "dagster.staging.example.com"
  certificate_arn = "arn:aws:acm:sa-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000002"
  ingress_cidrs   = ["192.0.2.0/24"]

  oidc = {
    issuer                 = "https://login.example.com"
    authorization_endpoint = "https://login.example.com/authorize"
    token_endpoint         = "https://login.example.com/token"
    user_info_endpoint     = "https://login.example.com/userinfo"
    client_id              = "psp-staging"
  }
}

viewers = {
  domain          = "viewers.staging.example.com"
  certificate_arn = "arn:aws:acm:sa-east-1:111111111111:certificate/00000000-0000-0000-0000-000000000003"
  ingress_cidrs   = ["192.0.2.0/24"]

  oidc = {
    issuer                 = "https://login.example.com"
    authorization_endpoint = "https://login.example.com/authorize"
    token_endpoint         = "https://login.example.com/token"
    user_info_endpoint     = "https://login.example.com/userinfo"
    client_id              = "psp-staging-viewers"
  }
}
