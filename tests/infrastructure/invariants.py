"""What must hold of every environment. Each rule yields a sentence for everything that it finds wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from psp_local.postgres import SILENT_SETTINGS
from tests.infrastructure.configuration import ROOT_MODULE, Block, Configuration

Rule = Callable[[Configuration], Iterator[str]]
RULES: list[Rule] = []

RETENTION_DAYS_MIN = 30
DEAD_LETTER_AFTER = re.compile(r"maxReceiveCount = 5\b")
TWO_WEEKS_S = "${14 * 24 * 60 * 60}"
# What EcsRunLauncher and the registry's login need, and AWS knows no resource for.
ACTIONS_WITHOUT_RESOURCE = {"ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces"}
# Policies in which * means "this key", and "whatever the caller's own policy allows".
STAR_IS_NARROW = {"modules/encryption", "modules/network"}
NEEDED_ENDPOINTS = {"ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "sqs", "sns", "ecs", "ec2"}
NEEDED_ALARMS = {
    "api-5xx", "balancer-5xx", "api-p95", "queue-age", "dead-letters", "outbox-age", "database-cpu",
    "database-storage", "database-memory", "database-replication-slot", "no-settlement-today",
}  # fmt: skip


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def violations(configuration: Configuration) -> list[str]:
    """Return everything that is wrong, or an empty list."""
    return [sentence for check in RULES for sentence in check(configuration)]


def _expect(configuration: Configuration, block: Block, **wanted: object) -> Iterator[str]:
    for argument, value in wanted.items():
        found = configuration.resolve(block.body.get(argument), module=block.module)
        if found != value:
            yield f"{block}: {argument} is {found!r}, not {value!r}"


def _expect_some(configuration: Configuration, kinds: Iterable[str], *arguments: str) -> Iterator[str]:
    for kind in kinds:
        for block in configuration.resources(kind):
            for argument in arguments:
                if not block.body.get(argument):
                    yield f"{block}: no {argument}"


@rule
def the_database_survives_and_keeps_its_secrets(configuration: Configuration) -> Iterator[str]:
    databases = configuration.resources("aws_db_instance")
    for block in databases:
        yield from _expect(
            configuration,
            block,
            storage_encrypted=True,
            publicly_accessible=False,
            performance_insights_enabled=True,
            parameter_group_name="${aws_db_parameter_group.this.name}",
        )
    primary = next(block for block in databases if block.name == "primary")
    yield from _expect(configuration, primary, manage_master_user_password=True, skip_final_snapshot=False)
    if not configuration.resolve(primary.body.get("backup_retention_period"), module=primary.module) >= 7:
        yield f"{primary}: backups of fewer than seven days"
    if configuration.environment == "production":
        yield from _expect(configuration, primary, multi_az=True, deletion_protection=True)


@rule
def the_database_refuses_plain_connections(configuration: Configuration) -> Iterator[str]:
    for block in configuration.resources("aws_db_parameter_group"):
        parameters = {parameter["name"]: parameter["value"] for parameter in block.nested("parameter")}
        if parameters.get("rds.force_ssl") != "1":
            yield f"{block}: TLS is not forced"
        if parameters.get("log_statement") == "all":
            yield f"{block}: every statement, and so merchants' data, is logged"
        silent = {**configuration.local("silent", module=block.module), "log_statement": "none"}
        applied = block.nested("dynamic", "parameter") and silent
        if applied != SILENT_SETTINGS:
            yield f"{block}: the text of statements, and so merchants' data, may be logged"
    if '"verify-full"' not in (configuration.folder / "modules/task/main.tf").read_text():
        yield "modules/task: the database's certificate is not verified"


@rule
def messages_are_encrypted_and_failures_kept(configuration: Configuration) -> Iterator[str]:
    queues = {block.name: block for block in configuration.resources("aws_sqs_queue")}
    for block in queues.values():
        yield from _expect(configuration, block, kms_master_key_id="${module.encryption.key_arn}")
        yield from _expect(configuration, block, message_retention_seconds="${local.retention_s}")
    if configuration.local("retention_s", module="modules/queue") != TWO_WEEKS_S:
        yield "modules/queue: messages are not kept for 14 days"
    yield from _expect(configuration, queues["this"], name="psp-transactions", visibility_timeout_seconds=120)
    if not DEAD_LETTER_AFTER.search(queues["this"].body.get("redrive_policy", "")):
        yield f"{queues['this']}: no dead-letter queue after five tries"
    if queues["dead_letter"].body["name"] != "${var.name}-dlq":
        yield f"{queues['dead_letter']}: not named after its queue"


@rule
def buckets_are_private(configuration: Configuration) -> Iterator[str]:
    for block in configuration.resources("aws_s3_bucket_public_access_block"):
        closed = dict.fromkeys(
            ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
        )
        yield from _expect(configuration, block, **closed)
    for block in configuration.resources("aws_s3_bucket_versioning"):
        if [inner["status"] for inner in block.nested("versioning_configuration")] != ["Enabled"]:
            yield f"{block}: no versions"
    for kind in ("public_access_block", "versioning", "server_side_encryption_configuration", "policy"):
        if not configuration.resources(f"aws_s3_bucket_{kind}"):
            yield f"modules/bucket: no {kind}"
    for block in configuration.data("aws_iam_policy_document"):
        if block.module == "modules/bucket" and not any(_refuses_plain_http(it) for it in block.nested("statement")):
            yield f"{block}: plain HTTP is not refused"


def _refuses_plain_http(statement: Mapping[str, Any]) -> bool:
    conditions = [(it["variable"], it["values"]) for it in statement.get("condition", [])]
    return statement.get("effect") == "Deny" and conditions == [("aws:SecureTransport", ["false"])]


@rule
def keys_secrets_and_images_are_guarded(configuration: Configuration) -> Iterator[str]:
    for block in configuration.resources("aws_kms_key"):
        yield from _expect(configuration, block, enable_key_rotation=True)
    for block in configuration.resources("aws_ecr_repository"):
        yield from _expect(configuration, block, image_tag_mutability="IMMUTABLE")
        if not all(scan["scan_on_push"] for scan in block.nested("image_scanning_configuration")):
            yield f"{block}: images are not scanned"
    yield from _expect_some(configuration, ["aws_secretsmanager_secret"], "kms_key_id")
    yield from _expect_some(configuration, ["aws_sns_topic"], "kms_master_key_id")
    yield from _expect_some(configuration, ["aws_cloudwatch_log_group"], "kms_key_id", "retention_in_days")
    for kind in ("aws_secretsmanager_secret_version", "random_password"):
        if configuration.resources(kind):
            yield f"{kind}: a secret's value would be in the state"


@rule
def programs_may_do_only_what_they_do(configuration: Configuration) -> Iterator[str]:
    for name in ("queue_lookup", "queue_consume"):
        if "*" in str(configuration.local(name)):
            yield f"permissions: {name} has a wildcard"
    for block in configuration.data("aws_iam_policy_document"):
        if block.module in STAR_IS_NARROW:
            continue
        for statement in block.nested("statement") + block.nested("dynamic", "statement", "content"):
            if statement.get("effect") == "Deny" or "resources" not in statement:
                continue
            actions = str(statement["actions"])
            if "*" in actions:
                yield f"{block}: {actions} has a wildcard"
            if statement["resources"] == ["*"] and not set(statement["actions"]) <= ACTIONS_WITHOUT_RESOURCE:
                yield f"{block}: {actions} on every resource"


@rule
def each_program_has_its_side_of_the_queue(configuration: Configuration) -> Iterator[str]:
    documents = {block.name: block for block in configuration.data("aws_iam_policy_document")}
    granted = {name: str(block.nested("statement")) for name, block in documents.items()}
    for name, forbidden in {
        "api": ("local.queue_consume", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
        "overflow": ("sqs:SendMessage", "ecs:RunTask"),
        "webserver": ("sqs:", "ecs:RunTask", "iam:PassRole"),
        "code_server": ("local.queue_consume", "sqs:SendMessage", "ecs:RunTask"),
        "run": ("ecs:RunTask", "iam:PassRole"),
    }.items():
        yield from (f"{documents[name]}: may {action}" for action in forbidden if action in granted[name])
    for statement in documents["daemon"].nested("statement"):
        if "iam:PassRole" in statement["actions"] and (
            statement["resources"] != "${module.run_task.role_arns}" or not statement.get("condition")
        ):
            yield f"{documents['daemon']}: passes more roles than the run's"
        if "ecs:RunTask" in statement["actions"] and (
            "module.run_task.family" not in str(statement["resources"]) or not statement.get("condition")
        ):
            yield f"{documents['daemon']}: starts more tasks than runs"


@rule
def containers_cannot_change_themselves(configuration: Configuration) -> Iterator[str]:
    container = configuration.local("container", module="modules/task")
    if not container.get("readonlyRootFilesystem") or container.get("privileged"):
        yield "modules/task: the container's file system is not read-only"
    if container.get("linuxParameters", {}).get("capabilities") != {"drop": ["ALL"]}:
        yield "modules/task: the container keeps capabilities"
    for call in configuration.module_calls():
        plain = re.findall(r"(\w*(?:PASSWORD|PEPPER|DATABASE_URL))\b", str(call.body.get("environment", "")))
        yield from (f"{call}: {name} is readable by everyone who may describe a task" for name in plain)


# Whose connection each task gets; the tables' owner is "".
LOGINS = {
    "api_task": {"api", "reads", "relay"},
    "code_server_task": {"runs"},
    "run_task": {"runs"},
    "overflow_task": {"runs"},
    "operator_task": {"operator"},
    "migrate_task": {""},
    "webserver_task": {"webserver"},
}


@rule
def each_program_has_its_own_login(configuration: Configuration) -> Iterator[str]:
    for call in configuration.module_calls():
        text = str(call.body.get("secrets", ""))
        for name in re.findall(r"local\.(\w+_secrets)", text):
            text += str(configuration.local(name))
        logins = set(re.findall(r'\["(?:(\w+)-)?database-url"\]', text))
        if logins != LOGINS.get(call.name, set()):
            yield f"{call}: connects to the database as {sorted(logins)}"


@rule
def merchants_are_limited(configuration: Configuration) -> Iterator[str]:
    api = next(call for call in configuration.module_calls() if call.name == "api_task")
    for name in ("PSP_API_RATE_LIMIT_PER_MINUTE", "PSP_API_TRUSTED_PROXIES"):
        if not re.search(rf"{name}\W+[1-9]", str(api.body["environment"])):
            yield f"{api}: {name} is not set"


@rule
def a_bad_release_rolls_back(configuration: Configuration) -> Iterator[str]:
    for block in configuration.resources("aws_ecs_service"):
        if block.nested("deployment_circuit_breaker") != [{"enable": True, "rollback": True}]:
            yield f"{block}: no circuit breaker with rollback"
        if any(network["assign_public_ip"] is not False for network in block.nested("network_configuration")):
            yield f"{block}: tasks have public addresses"
        yield from _expect(configuration, block, enable_execute_command=False, wait_for_steady_state=True)
    daemon = next(call for call in configuration.module_calls() if call.name == "daemon")
    yield from _expect(configuration, daemon, singleton=True)


@rule
def the_way_in_is_guarded(configuration: Configuration) -> Iterator[str]:
    listeners = {block.name: block for block in configuration.resources("aws_lb_listener")}
    if [action["type"] for action in listeners["http"].nested("default_action")] != ["redirect"]:
        yield f"{listeners['http']}: plain HTTP is answered"
    if not str(listeners["https"].body["ssl_policy"]).startswith("ELBSecurityPolicy-TLS13-1-2"):
        yield f"{listeners['https']}: TLS older than 1.2"
    if "authenticate-oidc" not in str(listeners["https"].nested("dynamic", "default_action")):
        yield f"{listeners['https']}: nobody has to log in"
    edges = {call.name: call for call in configuration.module_calls() if call.name.endswith("_edge")}
    yield from _expect(configuration, edges["operations_edge"], oidc="${var.operations.oidc}")
    yield from _expect(configuration, edges["api_edge"], inside_only_paths=["/metrics*", "/health*"])
    if not configuration.resources("aws_lb_listener_rule"):
        yield "modules/edge: what is for the inside is forwarded from outside"
    if not configuration.resources("aws_wafv2_web_acl_association"):
        yield "modules/edge: no firewall"
    if "AWSManagedRulesKnownBadInputsRuleSet" not in configuration.local("managed_groups", module="modules/edge"):
        yield "modules/edge: known attacks are let through"
    if configuration.values["operations"]["ingress_cidrs"] in ([], ["0.0.0.0/0"]):
        yield "operations: open to the world"


@rule
def only_dagster_reaches_the_code_server(configuration: Configuration) -> Iterator[str]:
    # Its port has no login, and executes what it is sent.
    flows = (configuration.folder / "modules/network/security_groups.tf").read_text()
    reaching = set(re.findall(r'from = "(\w+)", +to = "code_server"', flows))
    if reaching != {"webserver", "daemon"}:
        yield f"modules/network: {reaching} reach the code server"


@rule
def no_key_is_in_a_log(configuration: Configuration) -> Iterator[str]:
    operator = next(call for call in configuration.module_calls() if call.name == "operator_task")
    if "PSP_API_KEY_SECRET_PREFIX" not in str(operator.body["environment"]):
        yield f"{operator}: a new API key would be shown, and its output is a log"


@rule
def the_network_needs_no_way_out(configuration: Configuration) -> Iterator[str]:
    for kind in ("aws_nat_gateway", "aws_eip"):
        yield from (f"{block}: private subnets reach the internet" for block in configuration.resources(kind))
    endpoints = re.findall(r'"([\w.]+)"', str(configuration.local("interface_services", module="modules/network")))
    yield from (f"modules/network: no endpoint for {name}" for name in NEEDED_ENDPOINTS - set(endpoints))
    yield from (
        f"{block}: no policy" for block in configuration.resources("aws_vpc_endpoint") if "policy" not in block.body
    )
    for variable in ("aws:PrincipalAccount", "aws:ResourceAccount"):
        if f'"{variable}"' not in (configuration.folder / "modules/network/endpoints.tf").read_text():
            yield f"modules/network: endpoints do not ask for {variable}"
    for block in configuration.resources("aws_vpc_security_group_ingress_rule"):
        if block.body.get("cidr_ipv4") and block.name != "public":
            yield f"{block}: opened to addresses"


@rule
def somebody_is_told(configuration: Configuration) -> Iterator[str]:
    written = (configuration.folder / "modules/observability/alarms.tf").read_text()
    for name in sorted(NEEDED_ALARMS):
        if not re.search(rf"^ +{name} += \{{", written, re.MULTILINE):
            yield f"modules/observability: no alarm {name}"
    for block in configuration.resources("aws_cloudwatch_metric_alarm"):
        if not block.body.get("alarm_actions"):
            yield f"{block}: tells nobody"
    for kind in ("aws_cloudwatch_dashboard", "aws_budgets_budget", "aws_db_event_subscription"):
        if not configuration.resources(kind):
            yield f"modules/observability: no {kind}"


@rule
def every_variable_explains_and_defends_itself(configuration: Configuration) -> Iterator[str]:
    for block in configuration.variables():
        if not block.body.get("description"):
            yield f"{block}: no description"
        if not block.body.get("validation") and block.body.get("type") != "bool":
            yield f"{block}: no validation"
        if block.module == ROOT_MODULE and "default" not in block.body and block.name not in configuration.values:
            yield f"{block}: {configuration.environment} does not set it"


@rule
def no_file_is_too_long_to_read(configuration: Configuration) -> Iterator[str]:
    for path in configuration.folder.rglob("*.tf"):
        if len(path.read_text().splitlines()) > 300:
            yield f"{path.name}: more than 300 lines"
