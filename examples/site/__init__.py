"""A small web site on Django over the marketplace: sign up, advertise, earn, pay. `python -m examples.site` plays it.

It logs in as one role, a member of marketplace_web, and holds no rule about money: it inserts profiles, advertisements,
websites, prices and clicks, calls functions of schema marketplace, and shows what they answer. Needs the extra `site`.
"""
