# A site on ActiveRecord, which reads its columns from the database and, as new Rails do, saves every one of them.
#
# Reads lines of JSON, each a list: the login role, the action, its arguments. Answers each with a line of JSON: what it
# found or made, or the refusal's SQLSTATE and message. The actions are those of django_site.py, without advertise.
require 'active_record'
require 'json'

ActiveRecord::Base.default_timezone = :local
ENV['TZ'] = 'Europe/Oslo'

# As this login role from now on.
def login(role)
  return if role == $role

  $role = role
  ActiveRecord::Base.establish_connection(
    adapter: 'postgresql', database: ENV['PGDATABASE'], host: ENV['PGHOST'], port: ENV['PGPORT'], username: role,
    schema_search_path: 'billig'
  )
end

class Table < ActiveRecord::Base
  self.abstract_class = true
  self.partial_writes = false
end

# The columns that a site knows, whatever else is there.
SALE_COLUMNS = %w[ticket price_group purchase used refunded on_card refunder point_of_refund].freeze

class Event < Table
  self.table_name = 'event'
  self.primary_key = 'event'
end

class TicketGroup < Table
  self.table_name = 'ticket_group'
  self.primary_key = 'ticket_group'
end

class PriceGroup < Table
  self.table_name = 'price_group'
  self.primary_key = 'price_group'
end

class Purchase < Table
  self.table_name = 'purchase'
  self.primary_key = 'purchase'
end

class Ticket < Table
  self.table_name = 'ticket'
  self.primary_key = 'ticket'
end

class PaymentError < Table
  self.table_name = 'payment_error'
  self.primary_key = 'error'
end

class PaymentErrorPriceGroup < Table
  self.table_name = 'payment_error_price_group'
end

def buy(price_group, count, email)
  purchase = tickets = nil
  ActiveRecord::Base.transaction do
    purchase = Purchase.create!(owner_email: email)
    tickets = Array.new(count.to_i) { Ticket.create!(price_group: price_group, purchase: purchase.id) }
  end
  { purchase: purchase.id, tickets: tickets.map(&:id) }
end

def state_of(error)
  error.cause.respond_to?(:result) && error.cause.result&.error_field(PG::Result::PG_DIAG_SQLSTATE)
end

def race(price_group, seconds)
  stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds.to_f
  tickets = []
  state = nil
  while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
    begin
      tickets.concat(buy(price_group, 1, "#{Process.pid}-#{tickets.size}@example.org")[:tickets])
    rescue ActiveRecord::StatementInvalid => e
      state = state_of(e)
      break
    end
  end
  { tickets: tickets, state: state }
end

def read(purchase)
  tickets = Ticket.where(purchase: purchase).order(:ticket).to_a
  prices = tickets.map { |ticket| PriceGroup.find(ticket.price_group) }
  groups = prices.map { |price| TicketGroup.find(price.ticket_group) }
  now = Time.now
  {
    purchase: Purchase.find(purchase).attributes.slice('purchase', 'owner_member_id', 'owner_email'),
    tickets: tickets.map { |ticket| ticket.attributes.slice(*SALE_COLUMNS) },
    prices: prices.map { |price| price.price.to_i },
    left: groups.map { |group| group.num - group.num_sold },
    events: Event.where(event: groups.map(&:event)).map { |event| event.attributes.except('programme_key') },
    on_sale: Event.where('sale_from <= ? and sale_to > ? and not hidden', now, now).count
  }
end

def touch(ticket)
  Ticket.find(ticket).tap { |found| found.used_will_change! }.save!
  { saved: ticket.to_i }
end

def refund(ticket, refunder, place)
  Ticket.find(ticket).update!(refunded: Time.now, refunder: refunder, point_of_refund: place)
  { refunded: ticket.to_i }
end

def use(ticket)
  Ticket.find(ticket).update!(used: Time.now)
  { used: ticket.to_i }
end

def hand_over(error, price_group)
  failed = PaymentError.create!(error: error, failed: Time.now, message: 'Declined')
  failed.update!(message: 'Declined by the bank')
  PaymentErrorPriceGroup.create!(error: error, price_group: price_group, number_of_tickets: 2)
  { failed: PaymentErrorPriceGroup.where(error: error).count }
end

$stdout.sync = true
$stdin.each_line do |line|
  role, action, *arguments = JSON.parse(line)
  login(role)
  begin
    puts JSON.generate(send(action, *arguments))
  rescue ActiveRecord::StatementInvalid => e
    puts JSON.generate({ state: state_of(e), message: e.message })
  end
end
