package risk

// Example is a file of limits with all that it can have, explained.
const Example = `# Limits of a gateway. Whole numbers and decimals, '_' between digits; 'none' is no limit.
# A gateway reads the file when it starts and on SIGHUP; a file with an error changes nothing.

# For every strategy. All of these but collar and burst have to be said.
defaults:
  max_qty: 100                # of an order, in lots
  max_notional: 50_000_000.00 # of an order: price x quantity x multiplier
  max_position: 500           # long or short, in an instrument, as if all open orders of a side were filled
  max_orders: 200             # open orders in all instruments
  collar_ppm: 20_000          # a limit order buys at most 2 % above the best offer and sells at most 2 % below the best bid
  collar: none                # the same as a distance in price
  rate: 10_000                # requests a second that may leave
  burst: 1_000                # so many of them at once; without this line a tenth of rate

# Of these strategies, in the place of the default of that name.
strategies:
  7:
    max_position: 50
    rate: 1_000               # brings its own burst, a tenth of it

# What may be traded, by instrument_id. Limits here hold besides those of the strategy.
instruments:
  5602:
    symbol: ESH4              # for people
    multiplier: 50            # what a price of 1 is worth; without this line 1
    collar: 25.00
  17077:
    symbol: NQH4
    multiplier: 20
    max_qty: 20
# others: {}                  # all that are not listed; without this line they are refused
`
