"""The simulated Systems as one county: started, stopped and restarted as processes; wiring that finds them."""

import json
from pathlib import Path

import httpx
import pytest
import yaml

from deploy.county.story import todays_answers
from deploy.county.systems import PORTS, ROOT, County
from hub.sdk.geo import convert


def test_one_system_goes_and_comes_back_where_it_was(tmp_path: Path) -> None:
    county = County(tmp_path, households=12)
    try:
        before = county.start("garbage-scoring")
        page = county.pages["garbage-scoring"]
        assert httpx.get(page, trust_env=False).status_code == 200
        county.stop("garbage-scoring")
        assert county.addresses == {}
        with pytest.raises(httpx.ConnectError):
            httpx.get(page, trust_env=False)
        assert county.start("garbage-scoring") == before
        assert httpx.get(page, trust_env=False).status_code == 200
    finally:
        county.stop_all()


def test_the_whole_county_with_wiring_and_secrets(tmp_path: Path) -> None:
    with County(tmp_path, households=12) as county:
        assert set(county.addresses) == set(PORTS)
        for page in county.pages.values():
            assert "模拟" in httpx.get(page, trust_env=False).text
        county.rewire(ROOT / "connectors.yaml", tmp_path / "connectors.yaml")
        systems = yaml.safe_load((tmp_path / "connectors.yaml").read_text(encoding="utf-8"))["systems"]
        assert {name: systems[name]["reaches"] for name in PORTS} == {
            name: [address] for name, address in county.addresses.items()
        }
        assert systems["poverty-alleviation"]["settings"]["port"] == county.ports["poverty-alleviation"]
        secrets = county.secrets(ROOT / "connectors.yaml")
        named = [
            value["secret"]
            for system in systems.values()
            for value in system["settings"].values()
            if type(value) is dict
        ]
        assert set(secrets) == {f"HUB_SECRET_{name}" for name in named}
        assert all(secrets.values())
    assert county.addresses == {}


def test_connectors_yaml_expects_the_fixed_ports() -> None:
    systems = yaml.safe_load((ROOT / "connectors.yaml").read_text(encoding="utf-8"))["systems"]
    assert {name: systems[name]["reaches"] for name in PORTS} == {
        name: [f"127.0.0.1:{port}"] for name, port in PORTS.items()
    }


def test_the_storys_sewage_lies_at_its_segment(tmp_path: Path) -> None:
    river = next(one for one in todays_answers()["findings"] if one["finding.category"] == "river")
    County(tmp_path, households=6)
    seeded = json.loads((tmp_path / "seed" / "river_patrol.json").read_text(encoding="utf-8"))["segments"]
    path = next(one["path"] for one in seeded if one["segmentId"] == river["finding.segment"])
    where = river["finding.location"]
    lon, lat = convert(where["lon"], where["lat"], "wgs84", "gcj02")
    assert min(abs(lon - x) + abs(lat - y) for x, y in path) < 0.001
