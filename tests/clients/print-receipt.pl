#!/usr/bin/perl
# Prints the receipt of what last happened to a ticket, as a stand does after a sale or a refund. One call.
#
#     print-receipt.pl [--language en] TICKET
use strict;
use warnings;
use DBI;
use Getopt::Long;

my $language = 'nb';
GetOptions('language=s' => \$language) && @ARGV == 1 or die "usage: $0 [--language nb|en] TICKET\n";

my $dbh = DBI->connect('dbi:Pg:', undef, undef, { RaiseError => 0, PrintError => 0 })
    or die "Cannot connect: $DBI::errstr\n";
binmode STDOUT, ':encoding(UTF-8)';
my $rows = $dbh->selectall_arrayref(
    'SELECT description, detail, quantity, unit_price, amount FROM receipt(p_ticket => ?, p_language => ?) ORDER BY line',
    { Slice => {} }, $ARGV[0], $language,
) or die 'No receipt (' . $dbh->state . '): ' . $dbh->errstr . "\n";
for my $row (@$rows) {
    my $each = defined $row->{unit_price} ? "$row->{quantity} x $row->{unit_price}" : '';
    printf "%-40s %14s %10s\n", $row->{description}, $each, defined $row->{amount} ? $row->{amount} : '';
    print "  $row->{detail}\n" if defined $row->{detail} && $row->{detail} ne '';
}
$dbh->disconnect;
