-- Salesforce as Airbyte lays it down, under the names that Fivetran gives it; then run `salesforce.sql`.
-- Schema of Airbyte's tables: airbyte. Names are quoted for PostgreSQL, which keeps their case; BigQuery, Snowflake and Spark
-- take this file without the quotes (tr -d '"').

CREATE SCHEMA IF NOT EXISTS salesforce;

CREATE OR REPLACE VIEW salesforce.account AS
SELECT
    "Id" AS id,
    "Name" AS name,
    "NumberOfEmployees" AS number_of_employees,
    "Industry" AS industry,
    "BillingCountry" AS billing_country,
    "OwnerId" AS owner_id,
    "IsDeleted" AS is_deleted
FROM airbyte."Account";

CREATE OR REPLACE VIEW salesforce.product_2 AS
SELECT
    "Id" AS id, "Name" AS name, "QuantityUnitOfMeasure" AS quantity_unit_of_measure, "IsDeleted" AS is_deleted
FROM airbyte."Product2";

CREATE OR REPLACE VIEW salesforce.contract AS
SELECT
    "Id" AS id,
    "AccountId" AS account_id,
    "ContractTerm" AS contract_term,
    "StartDate" AS start_date,
    "EndDate" AS end_date,
    "ActivatedDate" AS activated_date,
    "IsDeleted" AS is_deleted
FROM airbyte."Contract";

CREATE OR REPLACE VIEW salesforce.opportunity AS
SELECT
    "Id" AS id,
    "AccountId" AS account_id,
    "ContractId" AS contract_id,
    "Type" AS type,
    "Amount" AS amount,
    "IsClosed" AS is_closed,
    "IsWon" AS is_won,
    "CreatedDate" AS created_date,
    "CloseDate" AS close_date,
    "IsDeleted" AS is_deleted
FROM airbyte."Opportunity";

CREATE OR REPLACE VIEW salesforce.opportunity_line_item AS
SELECT
    "Id" AS id,
    "OpportunityId" AS opportunity_id,
    "Product2Id" AS product_2_id,
    "Quantity" AS quantity,
    "TotalPrice" AS total_price,
    "IsDeleted" AS is_deleted
FROM airbyte."OpportunityLineItem";

CREATE OR REPLACE VIEW salesforce.contact AS
SELECT
    "Id" AS id,
    "AccountId" AS account_id,
    "Name" AS name,
    "Title" AS title,
    "CreatedDate" AS created_date,
    "IsDeleted" AS is_deleted
FROM airbyte."Contact";

CREATE OR REPLACE VIEW salesforce.opportunity_contact_role AS
SELECT "ContactId" AS contact_id, "Role" AS role, "CreatedDate" AS created_date, "IsDeleted" AS is_deleted
FROM airbyte."OpportunityContactRole";

CREATE OR REPLACE VIEW salesforce.task AS
SELECT
    "AccountId" AS account_id,
    "WhoId" AS who_id,
    "TaskSubtype" AS task_subtype,
    "CompletedDateTime" AS completed_date_time,
    "ActivityDate" AS activity_date,
    "IsClosed" AS is_closed,
    "IsDeleted" AS is_deleted
FROM airbyte."Task";

CREATE OR REPLACE VIEW salesforce.event AS
SELECT
    "AccountId" AS account_id,
    "WhoId" AS who_id,
    "Subject" AS subject,
    "StartDateTime" AS start_date_time,
    "IsChild" AS is_child,
    "IsDeleted" AS is_deleted
FROM airbyte."Event";
