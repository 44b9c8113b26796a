package Billig;
# What the legacy web uses of the ticket database. It updates the tables itself and calls no function.
use strict;
use warnings;
use DBI;

sub new {
    my ($class, %options) = @_;
    my $dbh = DBI->connect('dbi:Pg:', undef, undef,
        { AutoCommit => $options{autocommit} // 1, RaiseError => 1, PrintError => 0 });
    return bless { dbh => $dbh }, $class;
}

sub dbh { return $_[0]{dbh} }

# The buyer gave up, or the payment failed: let the tickets of the purchase go. Returns how many there were.
sub abort_purchase {
    my ($self, $purchase) = @_;
    my $rows = $self->{dbh}->do(<<'SQL', undef, $purchase);
UPDATE ticket
SET refunded = now()
WHERE purchase = ? AND refunded IS NULL
SQL
    $self->{dbh}->commit unless $self->{dbh}{AutoCommit};
    return $rows + 0;
}

1;
