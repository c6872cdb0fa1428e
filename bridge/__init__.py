"""An SMS integration bridge between RabbitMQ and every site of SMPP and HTTP providers."""

__version__ = "0.1.0"
