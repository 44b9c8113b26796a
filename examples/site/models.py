"""The tables that the site inserts into. None is managed: `pybridge deploy` makes them."""

from django.db import models
from django.db.models.functions import Now


class Table(models.Model):
    class Meta:
        abstract = True
        managed = False


class Profile(Table):
    profile = models.BigAutoField(primary_key=True)
    profile_name = models.TextField()

    class Meta(Table.Meta):
        db_table = "profile"


class Advertisement(Table):
    advertisement = models.BigAutoField(primary_key=True)
    profile = models.ForeignKey(Profile, models.DO_NOTHING, db_column="profile")
    advertisement_name = models.TextField()

    class Meta(Table.Meta):
        db_table = "advertisement"


class Price(Table):
    """What a click costs from now on: the database says since when, and keeps what clicks cost before."""

    pk = models.CompositePrimaryKey("advertisement", "valid_from")
    advertisement = models.ForeignKey(Advertisement, models.DO_NOTHING, db_column="advertisement")
    valid_from = models.DateTimeField(db_default=Now())
    price = models.DecimalField(max_digits=12, decimal_places=6)

    class Meta(Table.Meta):
        db_table = "advertisement_price"


class Website(Table):
    website = models.BigAutoField(primary_key=True)
    profile = models.ForeignKey(Profile, models.DO_NOTHING, db_column="profile")
    website_name = models.TextField()

    class Meta(Table.Meta):
        db_table = "website"


class Click(Table):
    """What it costs, and whose share it is, the database fills in when the month is updated."""

    pk = models.CompositePrimaryKey("profile", "click_time", "ad_click")
    profile = models.ForeignKey(Profile, models.DO_NOTHING, db_column="profile")  # of the advertisement
    click_time = models.DateTimeField(db_default=Now())
    ad_click = models.BigIntegerField(db_default=models.Func(models.Value("ad_click_ad_click_seq"), function="nextval"))
    advertisement = models.ForeignKey(Advertisement, models.DO_NOTHING, db_column="advertisement")
    website = models.ForeignKey(Website, models.DO_NOTHING, db_column="website", null=True)

    class Meta(Table.Meta):
        db_table = "ad_click"
