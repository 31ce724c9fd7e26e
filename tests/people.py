"""The person that most tests ask about."""

PERSON: dict[str, int | str] = {
    "age": 39,
    "workclass": "State-gov",
    "education": "Bachelors",
    "marital_status": "Never-married",
    "race": "White",
    "sex": "Male",
    "hours_per_week": 40,
}
FLOWER = {"sepal_length": 6.2, "sepal_width": 2.8, "petal_length": 4.8, "petal_width": 1.8}
PATIENT = {"age": 48, "sex": "1", "bmi": 21.6, "bp": 87.0, "s1": 183, "s2": 103.2, "s3": 70.0, "s4": 3.0, "s5": 3.9}
PATIENT |= {"s6": 69}
