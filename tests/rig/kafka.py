"""Apache Kafka as one KRaft node on this machine's Java, from the jars Maven fetches once."""

import re
import secrets
import shutil
import subprocess
from base64 import urlsafe_b64encode
from concurrent.futures import Future
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its C part has no types

from tests.rig.child import LOOPBACK, Child, Missing, answers, fetch_by, fetched, free_ports, program
from tests.rig.server import Server

VERSION = "4.3.1"
JAVA_NEEDED = 17
POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rig</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
# The JVM is asked to start fast and stay small: it lives for one run of the tests.
JVM = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
# A broker killed by force may not come back before its old session is over, hence the short one.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers={host}:{controller}
log.dirs={folder}/data
auto.create.topics.enable=false
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class Kafka(Server):
    name = "Apache Kafka"
    variable = "TEST_KAFKA_URL"

    def reached_at(self, outside: str) -> str:
        return outside if "://" in outside else f"kafka://{outside}"

    @property
    def bootstrap(self) -> str:
        """The address a Kafka client wants, without the scheme."""
        return self.url.partition("://")[2]

    def _make(self) -> Child:
        self._java = java()
        jars = fetched(f"kafka-{VERSION}", fetch_jars)
        self._jvm = (*JVM, "-cp", f"{jars}/lib/*")
        self._port, self._controller = free_ports(2)
        self.url = f"kafka://{LOOPBACK}:{self._port}"
        child = Child("kafka")
        self._lay_out(child)
        return child

    def _lay_out(self, child: Child) -> None:
        properties = PROPERTIES.format(host=LOOPBACK, port=self._port, controller=self._controller, folder=child.folder)
        (child.folder / "server.properties").write_text(properties)
        cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        tool = ("kafka.tools.StorageTool", "format", "--standalone", "-c", "server.properties", "-t", cluster)
        child.run(self._java, *self._jvm, *tool)

    def start(self) -> None:
        self.child.start(self._java, *self._jvm, "kafka.Kafka", "server.properties", ready=self._answers)

    def fresh(self) -> str:
        """Return the URL of a broker without topics and groups.

        A group that a dead member still holds cannot be deleted, so our own broker is then laid out anew.
        """
        try:
            self._forget()
        except KafkaException as held:
            if held.args[0].code() != KafkaError.NON_EMPTY_GROUP:
                raise
            self.kill9()
            shutil.rmtree(self.child.folder / "data")
            self._lay_out(self.child)
            self.start()
        return self.url

    def make_topic(self, name: str, *, partitions: int = 1) -> None:
        admin = self._admin()
        _settle(admin.create_topics([NewTopic(name, partitions, 1)], operation_timeout=10))

    def topics(self) -> set[str]:
        """Return the names of the topics that clients have made."""
        admin = self._admin()
        return {topic for topic in admin.list_topics(timeout=10).topics if not topic.startswith("__")}

    def groups(self) -> set[str]:
        """Return the names of the consumer groups, held or not."""
        admin = self._admin()
        return {group.group_id for group in admin.list_consumer_groups(request_timeout=10).result().valid}

    def _forget(self) -> None:
        admin = self._admin()
        if groups := self.groups():
            _settle(admin.delete_consumer_groups(list(groups), request_timeout=10))
        if topics := self.topics():
            _settle(admin.delete_topics(list(topics), operation_timeout=10))

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def _answers(self) -> bool:
        if not answers(self._port):
            return False
        try:
            return bool(self._admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False


def java() -> str:
    """Return a Java that is new enough."""
    found = program("java")
    says = subprocess.run([found, "-version"], check=False, capture_output=True, text=True, timeout=30).stderr
    version = re.search(r'version "(\d+)', says)
    if version is None or int(version[1]) < JAVA_NEEDED:
        raise Missing(f"Java {JAVA_NEEDED} or newer is not installed")
    return found


def fetch_jars(folder: Path) -> None:
    (folder / "pom.xml").write_text(POM)
    plugin = "dependency:copy-dependencies"
    fetch_by((program("mvn"), "-q", "-B", plugin, "-DincludeScope=runtime", "-DoutputDirectory=lib"), within=folder)


def _settle(futures: "dict[str, Future[None]]") -> None:
    for future in futures.values():
        future.result()
