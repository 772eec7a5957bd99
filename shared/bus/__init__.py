"""The bus: an outbox that keeps the order of every stream, a pipelined relay, and consumers that apply each event once."""
