#!/usr/bin/perl
# Aborts a web purchase that was not paid.
#
#     abort-purchase.pl [--no-autocommit] PURCHASE
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Getopt::Long;
use Billig;

my $autocommit = 1;
GetOptions('autocommit!' => \$autocommit) && @ARGV == 1 or die "usage: $0 [--no-autocommit] PURCHASE\n";
my ($purchase) = @ARGV;

my $billig = Billig->new(autocommit => $autocommit);
my $tickets = eval { $billig->abort_purchase($purchase) };
if (!defined $tickets) {
    my $dbh = $billig->dbh;
    my ($state, $message) = ($dbh->state, $dbh->errstr);
    $dbh->rollback unless $autocommit;
    $dbh->disconnect;
    die "Purchase $purchase was not aborted ($state): $message\n";
}
$billig->dbh->disconnect;
die "Purchase $purchase has no tickets to let go.\n" if $tickets == 0;
print "Purchase $purchase aborted: $tickets tickets let go.\n";
