"""All that leans on the insides of Celery, kombu and billiard: the one folder to read when they are upgraded."""
