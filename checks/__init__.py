"""What is measured and how it is judged. Plain Python: it reads, it never changes anything and knows no Pulumi."""
