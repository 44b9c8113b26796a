#!/usr/bin/perl
# Sells tickets at a stand through create_purchase, then exchanges them through ticket_exchange.
#
#     sell-and-exchange.pl --seller kari [--cash-point 3] --sell PRICE_GROUP=COUNT ... [--to PRICE_GROUP=COUNT ...]
#         [--pay METHOD=NOK ...] [--pay-difference METHOD] [--legacy-name] [--no-autocommit]
#
# With --no-autocommit sale and exchange are one transaction. What PostgreSQL says is worth trying again is tried again;
# request ids keep a second try from selling twice.
use strict;
use warnings;
use DBI;
use Getopt::Long;
use Time::HiRes qw(sleep time);

my %what_to_say = (
    '22023' => 'That cannot be asked for',
    'P0002' => 'No such thing',
    '42501' => 'You may not do that',
    '55P03' => 'The database is busy, try again later',
    '23B01' => 'Sold out',
    '23B02' => 'Not on sale now',
    '23B05' => 'Too many tickets',
    '23B06' => 'The payment does not agree',
    '23B10' => 'The ticket is refunded already',
    '23B11' => 'The ticket is used',
);
my %worth_retrying = map { $_ => 1 } qw(40P01 40001);

my ($seller, $cash_point, $difference_by, $legacy_name, $autocommit) = ($ENV{USER}, undef, undef, 0, 1);
my (@sell, @to, @pay);
GetOptions(
    'seller=s'         => \$seller,
    'cash-point=i'     => \$cash_point,
    'sell=s'           => \@sell,
    'to=s'             => \@to,
    'pay=s'            => \@pay,
    'pay-difference=s' => \$difference_by,
    'legacy-name'      => \$legacy_name,
    'autocommit!'      => \$autocommit,
) && @sell && !@ARGV or die "usage: see the top of $0\n";

my $dbh = DBI->connect('dbi:Pg:', undef, undef, { AutoCommit => $autocommit, RaiseError => 0, PrintError => 0 })
    or die "Cannot connect: $DBI::errstr\n";

# PRICE_GROUP=COUNT ... as two arrays; DBD::Pg passes them as arrays of PostgreSQL.
sub pairs {
    my (@left, @right);
    for (@_) {
        my ($left, $right) = /^([^=]+)=([^=]+)$/ or die "not NAME=VALUE: $_\n";
        push @left, $left;
        push @right, $right;
    }
    return (\@left, \@right);
}

# One call, its rows, or its SQLSTATE and message.
sub call {
    my ($query, @values) = @_;
    my $rows = $dbh->selectall_arrayref($query, { Slice => {} }, @values);
    # selectall_arrayref returns what it got so far when a row fails: the error is in err.
    die { state => $dbh->state, message => $dbh->errstr } if $dbh->err;
    return $rows;
}

# Do it, and again when it met others: the whole transaction, for an error leaves nothing of it.
sub again {
    my ($work) = @_;
    for my $try (1 .. 5) {
        my $result = eval { $work->() };
        return $result if $result;
        my $error = $@;
        die $error unless ref $error;
        $dbh->rollback unless $autocommit;
        if ($worth_retrying{ $error->{state} } && $try < 5) {
            print "Met others ($error->{state}), trying again.\n";
            sleep 0.05 * $try;
            next;
        }
        print STDERR ($what_to_say{ $error->{state} } // 'Failed') . " ($error->{state}): $error->{message}\n";
        $dbh->disconnect;
        exit 1;
    }
}

my $request = sprintf '%s-%d-%.6f', $seller, $$, time;
my ($price_groups, $counts) = pairs(@sell);
my ($methods, $amounts) = @pay ? pairs(@pay) : (['CASH'], undef);
my ($new_groups, $new_counts) = pairs(@to);

sub sell_tickets {
    return call(<<'SQL', $price_groups, $counts, $seller, $cash_point, $methods, $amounts, "$request-sale");
SELECT purchase, ticket, price_group, price, fee
FROM billig.create_purchase('STAND', ?::int[], ?::int[], ?, ?::int, ?::text[], ?::numeric[], p_request_id => ?)
SQL
}

sub exchange_tickets {
    my ($old) = @_;
    my $function = $legacy_name ? 'ticket_exchage' : 'ticket_exchange';
    my $by = defined $difference_by ? [$difference_by] : undef;
    return call(<<"SQL", $old, $new_groups, $new_counts, $seller, $cash_point, $by, "$request-exchange");
SELECT exchange, old_ticket, new_ticket, amount
FROM billig.$function(?::bigint[], ?::int[], ?::int[], ?, ?::int, ?::text[], p_request_id => ?)
SQL
}

sub save {
    $autocommit or $dbh->commit or die { state => $dbh->state, message => $dbh->errstr };
}

my ($bought, $exchanged);
my $sale = sub { $bought = sell_tickets() };
my $exchange = sub { $exchanged = @to ? exchange_tickets([map { $_->{ticket} } @$bought]) : [] };
if ($autocommit) {
    again($sale);
    again($exchange);
} else {
    again(sub { $sale->(); $exchange->(); save(); return 1 });
}

print "sold $_->{ticket} for $_->{price}\n" for @$bought;
for my $pair (@$exchanged) {
    printf "exchanged %s for %s, %s NOK\n", map { $_ // '-' } @{$pair}{qw(old_ticket new_ticket amount)};
}
$dbh->disconnect;
