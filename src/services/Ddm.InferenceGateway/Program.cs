using Ddm.Services;
using Ddm.Serving;
using DdmAspire.ServiceDefaults;

// Draws pictures of published models for whoever has a key. Any number may run side by side on one store; it hears no queue of the broker.
return await DdmHost.RunAsync(
    args,
    port: 5090,
    parts: null,
    prepare: builder =>
    {
        builder.AddServiceDefaults(DdmTelemetry.Name, ServingTelemetry.Name);
        builder.Services.AddDdmGateway();
    },
    map: app =>
    {
        app.MapDefaultEndpoints();
        app.MapDdmGateway();
    });
