"""The settings function: applies what CloudFormation has no resource type for.

Standard library and boto3 only, and boto3 only when a client is made: the constructs import the
settings for the actions that they declare. Imports are relative, so that the package works under
its own name in Lambda and as a part of `org_constructs` elsewhere.
"""
