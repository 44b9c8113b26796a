#!/usr/bin/perl
# Sells as a development client does: rows straight into the tables, ids by max+1, num_sold counted by itself.
#
#     dev-client.pl [--email A@B] [--paid] [--no-autocommit] PRICE_GROUP COUNT
#
# Without --paid the tickets are held unpaid, as on the web.
use strict;
use warnings;
use DBI;
use Getopt::Long;

my ($email, $paid, $autocommit) = ('dev@example.no', 0, 1);
GetOptions('email=s' => \$email, 'paid!' => \$paid, 'autocommit!' => \$autocommit) && @ARGV == 2
    or die "usage: $0 [--email A\@B] [--paid] [--no-autocommit] PRICE_GROUP COUNT\n";
my ($price_group, $count) = @ARGV;

my $dbh = DBI->connect('dbi:Pg:', undef, undef, { AutoCommit => $autocommit, RaiseError => 0, PrintError => 0 })
    or die "Cannot connect: $DBI::errstr\n";

sub give_up {
    my ($message) = @_;
    my ($state, $error) = ($dbh->state, $dbh->errstr);
    $message .= " ($state): $error" if $state;
    $dbh->rollback unless $autocommit;
    $dbh->disconnect;
    die "$message\n";
}

my ($ticket_group) = $dbh->selectrow_array('SELECT ticket_group FROM price_group WHERE price_group = ?', undef,
    $price_group);
give_up("Price group $price_group does not exist.") unless defined $ticket_group;

# Insert with the next free id. Another client may take it first: a savepoint, and once more.
sub insert_with_next_id {
    my ($table, $insert, @values) = @_;
    for my $try (1 .. 20) {
        $dbh->pg_savepoint('next_id') unless $autocommit;
        my ($id) = $dbh->selectrow_array("SELECT coalesce(max($table), 0) + 1 FROM $table");
        return $id if $dbh->do($insert, undef, $id, @values);
        give_up("No row in $table") if $dbh->state ne '23505';
        $dbh->pg_rollback_to('next_id') unless $autocommit;
    }
    give_up("No free id in $table after 20 tries");
}

my $purchase = insert_with_next_id('purchase', 'INSERT INTO purchase (purchase, owner_email) VALUES (?, ?)', $email);
my @tickets;
for my $n (1 .. $count) {
    push @tickets, insert_with_next_id('ticket',
        'INSERT INTO ticket (ticket, price_group, purchase, on_card, paid) VALUES (?, ?, ?, false, '
            . ($paid ? 'now()' : 'NULL') . ')',
        $price_group, $purchase);
}
$dbh->do('UPDATE ticket_group SET num_sold = num_sold + ? WHERE ticket_group = ?', undef, $count, $ticket_group)
    or give_up('num_sold was not updated');
unless ($autocommit) {
    $dbh->commit or give_up('Nothing could be saved');
}
print "purchase $purchase\n";
print "ticket $_\n" for @tickets;
$dbh->disconnect;
