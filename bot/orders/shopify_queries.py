"""The operations that Deskhand sends to Shopify's Admin API (GraphQL), each a document of its own.

A query's cost grows with every object that it may return, and no single one may cost more than 1,000 points: so a page
holds few orders, with their first lines, and the rest of a long order's lines is asked for by itself.
"""

from __future__ import annotations

ORDERS_A_PAGE = 5
LINES_A_PAGE = 50

_LINE = """
fragment Line on LineItem {
  id
  name
  quantity
  discountedUnitPriceSet { presentmentMoney { amount currencyCode } }
  product { productType }
}
"""

_ORDER = (
    _LINE
    + """
fragment Order on Order {
  id
  name
  createdAt
  cancelledAt
  cancellation { staffNote }
  displayFinancialStatus
  displayFulfillmentStatus
  returnStatus
  paymentGatewayNames
  customer { id }
  totalPriceSet { presentmentMoney { amount currencyCode } }
  netPaymentSet { presentmentMoney { amount currencyCode } }
  fulfillments(first: 10) {
    createdAt
    deliveredAt
    estimatedDeliveryAt
    displayStatus
    trackingInfo(first: 1) { company number }
  }
  lineItems(first: 10) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
}
"""
)

CUSTOMERS_ORDERS = (
    _ORDER
    + """
query CustomersOrders($customer: ID!, $first: Int!, $after: String, $query: String) {
  customer(id: $customer) {
    orders(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: true) {
      nodes { ...Order }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
)

ONE_ORDER = (
    _ORDER
    + """
query OneOrder($id: ID!) {
  order(id: $id) { ...Order }
}
"""
)

MORE_LINES = (
    _LINE
    + """
query MoreLines($id: ID!, $first: Int!, $after: String!) {
  order(id: $id) {
    customer { id }
    lineItems(first: $first, after: $after) { nodes { ...Line } pageInfo { hasNextPage endCursor } }
  }
}
"""
)

WHOSE_ORDER = """
query WhoseOrder($query: String!) {
  orders(first: 50, query: $query) {
    nodes {
      name
      email
      phone
      billingAddress { phone }
      customer { id displayName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
    }
  }
}
"""

CUSTOMER_BY_PHONE = """
query CustomerByPhone($phone: String!) {
  customerByIdentifier(identifier: { phoneNumber: $phone }) { id displayName }
}
"""

CANCEL_ORDER = """
mutation CancelOrder(
  $id: ID!, $refund: OrderCancelRefundMethodInput!, $restock: Boolean!, $notify: Boolean!, $note: String!
) {
  orderCancel(
    orderId: $id, reason: CUSTOMER, refundMethod: $refund, restock: $restock, notifyCustomer: $notify, staffNote: $note
  ) {
    job { id }
    orderCancelUserErrors { code message }
  }
}
"""

JOB = """
query Job($id: ID!) {
  job(id: $id) { done }
}
"""

RETURNS = """
query Returns($id: ID!) {
  order(id: $id) {
    customer { id }
    returns(first: 20) {
      nodes { name status returnLineItems(first: 10) { nodes { ... on ReturnLineItem { customerNote } } } }
    }
  }
}
"""

RETURNABLE = """
query Returnable($id: ID!) {
  returnableFulfillments(orderId: $id, first: 5) {
    nodes {
      returnableFulfillmentLineItems(first: 30) {
        nodes { quantity fulfillmentLineItem { id lineItem { id } } }
        pageInfo { hasNextPage }
      }
    }
    pageInfo { hasNextPage }
  }
}
"""

RETURN_REASONS = """
query ReturnReasons($handles: [String!]!) {
  returnReasonDefinitions(first: 10, handles: $handles) { nodes { id handle deleted } }
}
"""

REQUEST_RETURN = """
mutation RequestReturn($input: ReturnRequestInput!) {
  returnRequest(input: $input) {
    return { name status }
    userErrors { code message }
  }
}
"""

EXAMINATION = (
    _ORDER
    + """
query Examination {
  shop { orderNumberFormatPrefix orderNumberFormatSuffix }
  currentAppInstallation { accessScopes { handle } }
  orders(first: 1, sortKey: CREATED_AT, reverse: true) { nodes { ...Order } }
}
"""
)

PERSONAL_DATA = """
query PersonalData {
  customers(first: 1) {
    nodes { displayName defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
  }
  orders(first: 1) { nodes { email phone billingAddress { phone } } }
}
"""

PING = """
query Ping {
  shop { id }
}
"""
