"""A development environment: the stack, tables and topics, the Stripe fake, ingress and workers, started and ended as one."""
