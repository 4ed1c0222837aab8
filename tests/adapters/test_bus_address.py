"""A bus URL becomes an address or a sentence that says what to change, and its password is never shown."""

import pytest

from incidents.adapters.bus import BadAddress, KafkaAddress, RabbitAddress, bus_address


def test_an_amqp_url_is_kept_as_it_is_and_shown_without_its_user_and_password() -> None:
    address = bus_address("amqps://monitor:s3cr%40t@mq.example.com/prod")
    assert isinstance(address, RabbitAddress)
    assert address.url == "amqps://monitor:s3cr%40t@mq.example.com/prod"
    assert address.shown == "amqps://mq.example.com:5671/prod"


@pytest.mark.parametrize(
    ("url", "protocol", "servers"),
    [
        ("kafka://h:9092,h2:9093", "plaintext", ("h:9092", "h2:9093")),
        ("kafka://broker", "plaintext", ("broker:9092",)),
        ("kafka+ssl://[::1]:9092", "ssl", ("[::1]:9092",)),
    ],
)
def test_a_kafka_url_names_its_servers_and_how_the_line_is_protected(
    url: str, protocol: str, servers: tuple[str, ...]
) -> None:
    address = bus_address(url)
    assert isinstance(address, KafkaAddress)
    assert (address.protocol, address.servers) == (protocol, servers)


@pytest.mark.parametrize("scheme", ["kafka+sasl_ssl", "kafka+sasl_plaintext"])
def test_a_kafka_login_is_read_with_its_mechanism(scheme: str) -> None:
    address = bus_address(f"{scheme}://ada:p%3Aw%2F1@h:9092?mechanism=SCRAM-SHA-512")
    assert isinstance(address, KafkaAddress)
    assert (address.user, address.password, address.mechanism) == ("ada", "p:w/1", "SCRAM-SHA-512")


@pytest.mark.parametrize("url", ["amqp://ada:s3cret@h:5672/", "kafka+sasl_ssl://ada:s3cret@h:9092?mechanism=PLAIN"])
def test_a_password_is_in_no_repr(url: str) -> None:
    address = bus_address(url)
    assert "s3cret" not in repr(address)
    assert "s3cret" not in address.shown


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://h:6379", "begins with redis://; it must begin with one of amqp://"),
        ("localhost:5672", "it must begin with one of"),
        ("", "names no scheme"),
        ("amqp://a:1,b:2/", "takes one host, but this URL names 2"),
        ("amqp://h:99999/", "99999 of h is not between 1 and 65535"),
        ("amqp://h/?hartbeat=3", "'hartbeat' of the bus URL is not known"),
        ("amqp:///vhost", "needs host:port"),
        ("kafka://h:9092/topic", "has no path"),
        ("kafka://h:9092,,h2", "needs host:port"),
        ("kafka://ada:pw@h:9092", "use kafka+sasl_ssl:// to log in"),
        ("kafka+sasl_ssl://h:9092", "needs a user and a password"),
        ("kafka+sasl_ssl://ada:pw@h:9092?mechanism=MD5", "'MD5' is not known: use one of PLAIN"),
        ("kafka+sasl_ssl://ada:p#w@h:9092", "needs host:port, and %-escapes"),
        ("amqp://h/vhost#1", "has a # in it"),
        ("kafka://[::1:9092", "%-escapes"),
    ],
)
def test_a_url_that_cannot_be_used_says_what_to_change(url: str, says: str) -> None:
    with pytest.raises(BadAddress) as refused:
        bus_address(url)
    assert says in str(refused.value)


@pytest.mark.parametrize("password", ["s3/cret", "s3?cret", "s3#cret", "12/cret", "s3,cret", "s3[cret"])
@pytest.mark.parametrize("scheme", ["amqp", "kafka+sasl_ssl"])
def test_a_password_with_unescaped_characters_is_not_repeated(scheme: str, password: str) -> None:
    try:
        said = repr(bus_address(f"{scheme}://ada:{password}@h:9092"))
    except BadAddress as refused:
        said = str(refused)
    assert "s3" not in said
    assert "cret" not in said
