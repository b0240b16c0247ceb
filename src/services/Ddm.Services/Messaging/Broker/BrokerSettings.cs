namespace Ddm.Services;

/// <summary>What a service is told about the broker besides its address.</summary>
/// <param name="Management">The management API, from <c>Ddm:BrokerManagement</c>; null: <see cref="BrokerPolicies.UsualManagement"/>.</param>
public sealed record BrokerSettings(Uri? Management);
