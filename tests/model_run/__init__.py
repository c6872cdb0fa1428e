"""The whole product in one process on a virtual clock, with simulated RabbitMQ, Redis and SMSCs: one seed, one story.

python -m tests.model_run --seeds 0-100000
"""
