"""Credentials and regions are found as the AWS command line finds them, and what is missing is named with a remedy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.clouds import ACCESS_KEY, ENVIRONMENT, SECRET

from evalkit.errors import CallError, MissingExtraError
from evalkit.http_client import AwsCredentials, region_of

CONFIG = """\
[default]
region = eu-central-1
[profile keys]
region = us-west-2
aws_access_key_id = AKIDOFPROFILE
aws_secret_access_key = secret-of-the-profile
[profile sso]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = r
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://example.invalid/start
[profile process]
credential_process = {python} {script}
"""
PROCESS = """\
import datetime, json, pathlib
count = pathlib.Path(__file__).with_name("count")
calls = int(count.read_text() if count.exists() else 0) + 1
count.write_text(str(calls))
end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=60)
print(json.dumps({"Version": 1, "AccessKeyId": f"AKID{calls}", "SecretAccessKey": "s", "SessionToken": "t",
                  "Expiration": end.isoformat()}))
"""


@pytest.fixture(autouse=True)
def _chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set a chain with a configuration file and without keys in the environment."""
    (tmp_path / "process.py").write_text(PROCESS, encoding="utf-8")
    config = tmp_path / "config"
    config.write_text(CONFIG.format(python=sys.executable, script=tmp_path / "process.py"), encoding="utf-8")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_keys_of_the_environment_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the session token."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, ENVIRONMENT[name])
    found = AwsCredentials().current()
    assert (found.access_key, found.secret_key, found.token) == (
        ACCESS_KEY,
        SECRET,
        ENVIRONMENT["AWS_SESSION_TOKEN"],
    )


def test_a_profile_has_keys_and_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named in the settings or in AWS_PROFILE."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    named = AwsCredentials("keys")
    assert (named.current().access_key, named.region()) == ("AKIDOFPROFILE", "us-west-2")
    monkeypatch.setenv("AWS_PROFILE", "keys")
    assert AwsCredentials().current().access_key == "AKIDOFPROFILE"


def test_credentials_that_are_about_to_expire_are_refreshed() -> None:
    """Each use asks again, because these end within a minute."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    credentials = AwsCredentials("process")
    first, second = (credentials.current().access_key for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("profile", "said", "hint"),
    [
        (None, "no AWS credentials found", "run aws sso login"),
        ("sso", "Error loading SSO Token", "run aws sso login --profile sso"),
        ("other", "profile (other) could not be found", "set aws.profile or AWS_PROFILE"),
    ],
)
def test_what_is_missing_is_named(profile: str | None, said: str, hint: str) -> None:
    """The message has the chain's own words; the hint says what to run. A retry cannot help."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    with pytest.raises(CallError) as raised:
        AwsCredentials(profile).current()
    assert said in raised.value.message
    assert hint in (raised.value.hint or "")
    assert raised.value.remedy.permanent
    assert "\n" not in raised.value.message


def test_a_missing_profile_has_no_region() -> None:
    """The error is the same as for its credentials."""
    pytest.importorskip("botocore", reason="needs the aws extra")
    with pytest.raises(CallError, match="could not be found"):
        AwsCredentials("other").region()


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only requests that are signed need it."""
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(MissingExtraError) as raised:
        AwsCredentials()
    assert "rerank-evalkit[aws]" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke", "us-east-1"),
        ("https://runtime.sagemaker.us-gov-west-1.amazonaws.com/endpoints/e/invocations", "us-gov-west-1"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/invoke", "cn-north-1"),
        ("https://vpce-0a1b.bedrock-runtime.eu-west-3.vpce.amazonaws.com/x", None),
        ("http://127.0.0.1:8000/rerank", None),
        ("https://us-east-1.example.com/rerank", None),
        (None, None),
    ],
)
def test_the_region_of_an_address_is_in_its_host(url: str | None, region: str | None) -> None:
    """No other address names one."""
    assert region_of(url) == region
