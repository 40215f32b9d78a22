import pytest
import weft
from weather import service


@pytest.fixture
def mesh(fake_mesh):
    fake_mesh.add(service)
    return fake_mesh


def test_is_told_for_cities_that_are_known(mesh):
    assert mesh.call("weather.now", city="Oslo") == {"hour": 0, "celsius": -3.0}
    with pytest.raises(weft.Error, match="no city Atlantis"):
        mesh.call("weather.now", "Atlantis")
    with pytest.raises(weft.Error, match="weather.now: 'city' is a string, not 7"):
        mesh.call("weather.now", city=7)


def test_is_followed_by_the_hour(mesh):
    hours = [each["hour"] for each in mesh.stream("weather.follow", "Oslo", 1000)]
    assert hours == list(range(1000))
    assert round(mesh.elapsed) == 10  # seconds of a clock that nobody waits for


def test_a_call_that_gets_lost_ends_with_its_deadline(mesh):
    mesh.drop("weather.now", times=1)
    with pytest.raises(weft.Error) as lost:
        mesh.call("weather.now", weft.options(timeout=2), "Oslo")
    assert lost.value.code == weft.codes.DEADLINE_EXCEEDED
    assert mesh.call("weather.now", "Oslo")["celsius"] == -3.0


def test_at_a_real_node(weft_node):
    import weft.sync

    with weft.sync.connect(weft_node.address, services=[service]) as node:
        assert node.call("weather.now", "Lagos") == {"hour": 0, "celsius": 29.5}
