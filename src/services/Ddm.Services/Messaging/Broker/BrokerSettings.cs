namespace Ddm.Services;

/// <summary>What a service is told about the broker besides its address.</summary>
/// <param name="Management">The management API, from <c>Ddm:BrokerManagement</c>; null: the usual port of the broker's machine.</param>
public sealed record BrokerSettings(Uri? Management);
