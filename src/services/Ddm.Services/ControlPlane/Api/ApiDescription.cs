namespace Ddm.Services;

/// <summary>The OpenAPI document of the control plane.</summary>
internal sealed class ApiDescription() : KeyedDescription(
    "DdmAspire control plane",
    "Submits, watches and steers runs. Errors are application/problem+json; 'detail' names value, place and remedy.");
