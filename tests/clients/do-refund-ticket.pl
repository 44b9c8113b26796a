#!/usr/bin/perl
# Refunds tickets at a stand by updating table ticket directly, as the stands have always done.
#
#     do-refund-ticket.pl --refunder kari --point-of-refund 3 [--no-autocommit] TICKET...
#
# With --no-autocommit all tickets are refunded or none; else those before the first error stay refunded.
use strict;
use warnings;
use DBI;
use Getopt::Long;

my ($refunder, $point_of_refund, $autocommit) = ($ENV{USER}, undef, 1);
GetOptions(
    'refunder=s'        => \$refunder,
    'point-of-refund=i' => \$point_of_refund,
    'autocommit!'       => \$autocommit,
) && @ARGV or die "usage: $0 --refunder NAME --point-of-refund NUMBER [--no-autocommit] TICKET...\n";

my $dbh = DBI->connect('dbi:Pg:', undef, undef, { AutoCommit => $autocommit, RaiseError => 0, PrintError => 0 })
    or die "Cannot connect: $DBI::errstr\n";

sub give_up {
    my ($message) = @_;
    $dbh->rollback unless $autocommit;
    $dbh->disconnect;
    print STDERR "$message\n";
    print STDERR "No ticket was refunded.\n" unless $autocommit;
    exit 1;
}

my $update = $dbh->prepare(<<'SQL') or give_up('Cannot prepare: ' . $dbh->errstr);
UPDATE ticket
SET refunded = now(), refunder = ?, point_of_refund = ?
WHERE ticket = ?
SQL

for my $ticket (@ARGV) {
    my $rows = $update->execute($refunder, $point_of_refund, $ticket);
    give_up("Ticket $ticket was not refunded (" . $dbh->state . '): ' . $dbh->errstr) unless defined $rows;
    give_up("Ticket $ticket does not exist.") if $rows == 0;
    print "Ticket $ticket refunded.\n";
}
unless ($autocommit) {
    $dbh->commit or give_up('Nothing could be saved (' . $dbh->state . '): ' . $dbh->errstr);
}
$dbh->disconnect;
