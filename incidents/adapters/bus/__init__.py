"""Takes messages from RabbitMQ or Kafka to the intake and acknowledges them only after its commit; publishes too."""

from incidents.adapters.bus.address import BadAddress, BusAddress, KafkaAddress, RabbitAddress, bus_address
from incidents.adapters.bus.carrier import BusCarrier
from incidents.adapters.bus.health import Bus, BusAway, BusRefused, Health, Intake
from incidents.adapters.bus.lifecycle import OUTLET, event_schema
from incidents.adapters.bus.publisher import Message, Publisher

__all__ = [
    "OUTLET",
    "BadAddress",
    "Bus",
    "BusAddress",
    "BusAway",
    "BusCarrier",
    "BusRefused",
    "Health",
    "Intake",
    "KafkaAddress",
    "Message",
    "Publisher",
    "RabbitAddress",
    "bus_address",
    "event_schema",
    "open_bus",
    "open_outlet",
    "open_publisher",
]


def open_bus(address: BusAddress, intake: Intake) -> Bus:
    """Return the bus of an address, not yet started. Each broker's library is imported only where it is used."""
    if isinstance(address, RabbitAddress):
        from incidents.adapters.bus.rabbit import RabbitBus  # noqa: PLC0415

        return RabbitBus(address, intake)
    from incidents.adapters.bus.kafka import KafkaBus  # noqa: PLC0415

    return KafkaBus(address, intake)


def open_publisher(address: BusAddress) -> Publisher:
    """Return the publisher of an address, not yet started."""
    if isinstance(address, RabbitAddress):
        from incidents.adapters.bus.rabbit_publisher import RabbitPublisher  # noqa: PLC0415

        return RabbitPublisher(address)
    from incidents.adapters.bus.kafka_publisher import KafkaPublisher  # noqa: PLC0415

    return KafkaPublisher(address)


def open_outlet(address: BusAddress) -> Publisher:
    """Return the publisher of lifecycle events, not yet started; whether anybody listens is no matter of ours."""
    if isinstance(address, RabbitAddress):
        from incidents.adapters.bus.rabbit_publisher import RabbitPublisher  # noqa: PLC0415

        return RabbitPublisher(address, exchange=OUTLET, must_arrive=False)
    from incidents.adapters.bus.kafka_publisher import KafkaPublisher  # noqa: PLC0415

    return KafkaPublisher(address, topic=OUTLET)
