"""Facts of the books told to others: to a stream of NATS JetStream, or a topic of Kafka's protocol, each once.

    mark ── facts after it, read from the log ── a batch ── broker ─┬─ taken: the mark moves, behind the batch
                                                                    ├─ away: the same batch again, once it is back
                                                                    └─ refused: it stands before it, and says which

The mark may be behind what the broker has, if a process died in between: the broker itself is asked what it has, and
only what is new is sent. One process of all sends at a time; a second one could send nothing twice either, as the
broker takes a message only where we know the one before it, or from the newest producer of ours.
"""
